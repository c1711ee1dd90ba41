// Sends a notification as an e-mail through one SMTP server, over connections that are kept open. The Message-ID is made of the
// notification's id and so is the same with every attempt: who keeps mail can tell a repeat.
import { createTransport } from "nodemailer";
import { DELIVERED, type DeliveryOutcome } from "./delivery-outcome.ts";
import type { Notification } from "./notification.ts";

export interface EmailSenderOptions {
  /**
   * smtp://user:password@host:port, which takes TLS where the server offers it, or smtps:// for TLS from the start. Further options of
   * nodemailer's SMTP transport may follow as a query, such as "?requireTLS=true".
   */
  readonly smtpUrl: string;
  /** Sender: "name@example.com" or "Shop <name@example.com>". */
  readonly from: string;
  readonly maxConnections: number;
}

export interface EmailSender {
  send(notification: Notification, signal: AbortSignal): Promise<DeliveryOutcome>;
  /** Closes idle connections at once and others when they are done. */
  close(): void;
}

/** Throws a TypeError on an option that is no URL of SMTP or no address. */
export function createEmailSender({ smtpUrl, from, maxConnections }: EmailSenderOptions): EmailSender {
  // The URL is not quoted: it may hold a password.
  if (!/^smtps?:$/.test(URL.parse(smtpUrl)?.protocol ?? "")) {
    throw new TypeError("SMTP URL: must start with smtp:// or smtps://");
  }
  const domain = /@([^\s<>@]+)>?$/.exec(from)?.[1];
  if (domain === undefined) throw new TypeError(`sender of e-mail "${from}": must be an e-mail address`);
  const transport = createTransport({
    url: smtpUrl,
    pool: true,
    maxConnections,
    // Retries are the queue's, which remembers them.
    maxRequeues: 0,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send(notification, signal) {
      const { notificationId, destination, subject, body, htmlBody } = notification;
      try {
        await transport.sendMail({
          from,
          // Not as text, in which a comma would make it two.
          to: { name: "", address: destination },
          subject,
          text: body,
          ...(htmlBody === "" ? {} : { html: htmlBody }),
          messageId: `<${notificationId}@${domain}>`,
          headers: { "Auto-Submitted": "auto-generated" },
          signal,
        });
        return DELIVERED;
      } catch (error) {
        return outcomeOfFailure(error, signal);
      }
    },
    close: () => transport.close(),
  };
}

interface SmtpFailure {
  readonly code: string;
  /** The server's answer; undefined when it gave none. */
  readonly responseCode: number | undefined;
  readonly command: string;
}

function outcomeOfFailure(error: unknown, signal: AbortSignal): DeliveryOutcome {
  if (signal.aborted) {
    const { reason } = signal;
    return { kind: "failed", error: reason instanceof Error ? reason.message : String(reason) };
  }
  const failure = smtpFailureOf(error);
  if (failure === undefined) throw error;
  return { kind: isRefusal(failure) ? "refused" : "failed", error: describe(failure) };
}

/** What is wrong with the message or its addresses stays wrong; anything else, a wrong password too, can be put right. */
function isRefusal({ code, responseCode }: SmtpFailure): boolean {
  if (code !== "EENVELOPE" && code !== "EMESSAGE") return false;
  // 503 is about the order of commands, and so about the connection.
  return responseCode === undefined || (responseCode >= 500 && responseCode !== 503);
}

function describe({ code, responseCode, command }: SmtpFailure): string {
  return responseCode === undefined
    ? `the e-mail could not be handed over: ${code}`
    : `the mail server answered ${responseCode} to ${command}`;
}

function smtpFailureOf(error: unknown): SmtpFailure | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  const responseCode = "responseCode" in error ? error.responseCode : undefined;
  const command = "command" in error && typeof error.command === "string" ? error.command : "the connection";
  return {
    code: error.code,
    responseCode: typeof responseCode === "number" ? responseCode : undefined,
    command,
  };
}
