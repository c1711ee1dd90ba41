// The door for the provider's webhooks: plain HTTP in, a call of ReceiveProviderEvent out. It believes nothing and decides nothing; the answer
// tells the provider whether to send the event again.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CallError } from "#impl/client/call-error.ts";
import type { ClientOf } from "#impl/client/client.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { Code } from "#impl/runtime/status.ts";
import { type PaymentServiceDefinition, ReceiveProviderEventRequest } from "#proto/ecommerce/v1/payment.ts";

export interface WebhookReceiverOptions {
  readonly client: Pick<ClientOf<PaymentServiceDefinition>, "receiveProviderEvent">;
  /** Default "127.0.0.1". */
  readonly host?: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly log: Logger;
}

export interface WebhookReceiver {
  /** Where the provider is to post: "http://host:port/webhooks/payment". */
  readonly url: string;
  readonly port: number;
  /** Stops taking events; those that are being taken are answered. Safe to call twice. */
  stop(): Promise<void>;
}

export const WEBHOOK_PATH = "/webhooks/payment";
const MAX_PAYLOAD_BYTES = 65_536;
const REQUEST_TIMEOUT_MS = 10_000;

export async function startWebhookReceiver(options: WebhookReceiverOptions): Promise<WebhookReceiver> {
  const { client, host = "127.0.0.1", port, log } = options;
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    void receive(request, client).then(
      (status) => response.writeHead(status).end(),
      (error: unknown) => refuse(response, error, log),
    );
  });
  await listen(server, host, port);
  const bound = portOf(server);
  let stopped: Promise<void> | undefined;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}${WEBHOOK_PATH}`,
    port: bound,
    stop() {
      stopped ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      return stopped;
    },
  };
}

async function receive(request: IncomingMessage, client: WebhookReceiverOptions["client"]): Promise<number> {
  if (request.url !== WEBHOOK_PATH) return 404;
  if (request.method !== "POST") return 405;
  const payload = await readPayload(request);
  if (payload === undefined) return 413;
  const { headers } = request;
  await client.receiveProviderEvent(
    ReceiveProviderEventRequest.fromPartial({
      webhookId: single(headers["webhook-id"]),
      sentTime: new Date(Number(single(headers["webhook-timestamp"])) * 1_000 || 0),
      signature: single(headers["webhook-signature"]),
      payload,
    }),
  );
  return 204;
}

/** Undefined when it is too large; what comes then is not kept. */
async function readPayload(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MAX_PAYLOAD_BYTES) chunks.push(chunk);
  }
  return bytes <= MAX_PAYLOAD_BYTES ? Buffer.concat(chunks) : undefined;
}

function single(header: string | string[] | undefined): string {
  return typeof header === "string" ? header : "";
}

const STATUSES: ReadonlyMap<Code, number> = new Map<Code, number>([
  [Code.UNAUTHENTICATED, 401],
  [Code.INVALID_ARGUMENT, 400],
  [Code.RESOURCE_EXHAUSTED, 429],
]);

/** What is not the event's own fault may pass: it is to come again. */
function refuse(response: ServerResponse, error: unknown, log: Logger): void {
  const status = (error instanceof CallError ? STATUSES.get(error.code) : undefined) ?? 503;
  if (status === 503) log.warn({ err: error }, "an event of the payment provider could not be taken");
  response.writeHead(status).end();
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(new Error(`webhooks cannot listen on ${host}:${port}: ${error.message}`, { cause: error })),
    );
    server.listen(port, host, resolve);
  });
}

// A server that listens on TCP has an address with a port.
function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
