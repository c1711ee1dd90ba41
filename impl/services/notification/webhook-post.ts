// One POST of a webhook. The answer is a status and nothing more: redirects are not followed, and of a body only so much is read as lets
// the connection be used again. Every address that is connected to passes the policy.
import { type LookupAddress, lookup } from "node:dns";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { type AddressPolicy, AddressRefused } from "./address-policy.ts";
import { hostOf } from "./endpoint.ts";

export interface WebhookPosts {
  /** Rejects when there was no answer: with AddressRefused, an AbortError, or the error of the socket. */
  post(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Answer>;
  /** Closes connections that are idle. */
  close(): void;
}

export interface Answer {
  readonly status: number;
  /** Milliseconds, when the receiver named a number of seconds. */
  readonly retryAfterMs: number | undefined;
}

export interface WebhookPostOptions {
  readonly addresses: AddressPolicy;
  /** Connections to one receiver at most. */
  readonly maxConnections: number;
  /** Certificates (PEM) to trust beside the usual ones. */
  readonly ca?: string;
}

const MAX_ANSWER_BYTES = 64 * 1024;
const KEEP_ALIVE_MS = 10_000;

export function createWebhookPosts({ addresses, maxConnections, ca }: WebhookPostOptions): WebhookPosts {
  const agent = new Agent({
    keepAlive: true,
    timeout: KEEP_ALIVE_MS,
    maxSockets: maxConnections,
    ...(ca === undefined ? {} : { ca }),
  });
  const guarded = guardedLookup(addresses);
  return {
    async post(url, headers, body, signal) {
      // A name is looked up; an address is connected to as it is.
      const host = hostOf(url);
      if (isIP(host) !== 0 && !addresses.allows(host)) throw new AddressRefused();
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      const outgoing = request(url, { method: "POST", headers, agent, lookup: guarded, signal });
      outgoing.on("response", resolve).on("error", reject);
      outgoing.end(body);
      const response = await promise;
      await drained(response);
      return { status: response.statusCode ?? 0, retryAfterMs: retryAfterOf(response) };
    },
    close: () => agent.destroy(),
  };
}

/** A name of which one address is refused is refused altogether. */
function guardedLookup(addresses: AddressPolicy): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[] = []) => {
      const [first] = found;
      if (error !== null) callback(error, []);
      else if (first === undefined || found.some(({ address }) => !addresses.allows(address))) {
        callback(new AddressRefused(), []);
      } else if (options.all === true) callback(null, found);
      else callback(null, first.address, first.family);
    });
  };
}

/** The status is known, and nothing that happens to the body changes it: it is dropped, and cut when there is too much of it. */
async function drained(response: IncomingMessage): Promise<void> {
  const closed = new Promise((resolve) => response.on("close", resolve));
  let bytes = 0;
  response.on("error", () => {});
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) response.destroy();
  });
  await closed;
}

/** Only the form with seconds, which is the one that rate limiters send. */
function retryAfterOf({ headers }: IncomingMessage): number | undefined {
  const text = headers["retry-after"];
  return text !== undefined && /^\d{1,8}$/.test(text) ? Number(text) * 1_000 : undefined;
}
