// A receiver of webhooks: a real HTTPS server that keeps what is posted and answers as the test likes.
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { text } from "node:stream/consumers";
import { afterAll } from "vitest";
import { until } from "#impl/runtime/testing/turns.ts";
import { LOCALHOST_CERTIFICATE, LOCALHOST_KEY } from "./localhost-certificate.ts";

export interface Posted {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type AnswerPost = (response: ServerResponse, request: IncomingMessage) => void;

export interface WebhookReceiver {
  readonly port: number;
  /** In the order of their arrival. */
  readonly posts: readonly Posted[];
  /** How posts are answered from now on. */
  answer(how: AnswerPost): void;
  /** Resolves when so many posts have come in all. */
  received(count: number): Promise<readonly Posted[]>;
}

export const ok: AnswerPost = (response) => response.writeHead(204).end();

export function status(code: number, headers: Record<string, string> = {}): AnswerPost {
  return (response) => response.writeHead(code, headers).end("some text that nobody needs");
}

/** Call it at the top of a test file: it registers its own clean-up. */
export async function startReceiver(): Promise<WebhookReceiver> {
  const posts: Posted[] = [];
  let answer = ok;
  const server = createServer({ key: LOCALHOST_KEY, cert: LOCALHOST_CERTIFICATE }, (request, response) => {
    void text(request).then((body) => {
      posts.push({ path: request.url ?? "", headers: single(request.headers), body });
      answer(response, request);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the receiver has no port");
  return {
    port: address.port,
    posts,
    answer(how) {
      answer = how;
    },
    async received(count) {
      await until(() => posts.length >= count);
      return posts;
    },
  };
}

function single(headers: IncomingMessage["headers"]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
