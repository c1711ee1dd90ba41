// A mail server: it keeps what it takes and refuses what the test likes.
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import { afterAll } from "vitest";
import { until } from "#impl/runtime/testing/turns.ts";

export interface Mail {
  readonly to: readonly string[];
  readonly from: string;
  /** Headers and parts, without the encoding in which they came over the wire. */
  readonly content: string;
}

export interface MailServer {
  readonly url: string;
  readonly mails: readonly Mail[];
  /** The next commands of this kind are refused with this code; "DATA" after the mail has come. */
  refuse(command: "RCPT" | "DATA", code: number, times?: number): void;
  /** Connections are cut at the next mails, before they are acknowledged. */
  cut(times: number): void;
  /** Mails are not acknowledged until the returned function is called. */
  hold(): () => void;
  /** Resolves when so many mails have come in all; those that were refused after they came too. */
  received(count: number): Promise<readonly Mail[]>;
}

/** Call it at the top of a test file: it registers its own clean-up. */
export async function startMailServer(): Promise<MailServer> {
  const mails: Mail[] = [];
  let refusal: { command: string; code: number; times: number } | undefined;
  let cuts = 0;
  let held = Promise.resolve();
  const refused = (command: string): Error | undefined => {
    if (refusal?.command !== command || refusal.times === 0) return undefined;
    refusal.times -= 1;
    return Object.assign(new Error("<someone@example.com> is not welcome"), { responseCode: refusal.code });
  };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    logger: false,
    // Connections that are still open at the end are cut.
    closeTimeout: 1,
    onRcptTo: (_address, _session, callback) => callback(refused("RCPT")),
    onData(stream, { envelope, id }, callback) {
      void text(stream).then(async (raw) => {
        const { mailFrom, rcptTo } = envelope;
        const from = mailFrom === false ? "" : mailFrom.address;
        mails.push({ from, to: rcptTo.map(({ address }) => address), content: decoded(raw) });
        if (cuts > 0) {
          cuts -= 1;
          for (const connection of server.connections) {
            if (connection.session.id === id) connection._socket.destroy();
          }
          return;
        }
        await held;
        callback(refused("DATA"));
      });
    },
  });
  // A connection that is cut in a test is no error of the server.
  server.on("error", () => {});
  const listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  afterAll(() => new Promise<void>((resolve) => server.close(resolve)));
  const address = listening.address();
  if (address === null || typeof address === "string") throw new Error("the mail server has no port");
  return {
    url: `smtp://127.0.0.1:${address.port}`,
    mails,
    refuse(command, code, times = 1) {
      refusal = { command, code, times };
    },
    cut(times) {
      cuts = times;
    },
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
    async received(count) {
      await until(() => mails.length >= count);
      return mails;
    },
  };
}

/** Without the marks of "quoted-printable". */
function decoded(raw: string): string {
  return raw
    .replaceAll("=\r\n", "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
