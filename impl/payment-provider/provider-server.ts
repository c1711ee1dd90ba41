// The provider over HTTP: routes, credentials, and answers that do not come. A request that cannot be read is 400 and names what is wrong
// with it; one that makes the provider fail is 500 and is reported without its content.
import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import { getAuthorization, listOperations } from "./api-reads.ts";
import { createWriteHandlers, idempotencyKey, type WriteHandler } from "./api-writes.ts";
import { InvalidBehavior } from "./behavior.ts";
import type { Provider } from "./provider.ts";
import { BadRequest, failed, notFound, overloaded, type Reply, refused } from "./reply.ts";
import { parseMembers, readBody } from "./request-body.ts";
import { TEST_CARDS } from "./test-cards.ts";
import { fingerprint } from "./tokenization.ts";

export interface ProviderServerOptions {
  readonly provider: Provider;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** The shop's account: asked for as "Authorization: Bearer ...". */
  readonly apiKey: string;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly onError: (error: unknown) => void;
}

export interface ProviderServer {
  readonly port: number;
  close(): Promise<void>;
}

type Route = (
  request: IncomingMessage,
  id: string,
  query: URLSearchParams,
) => Promise<Reply | "lost"> | Reply;

export async function startProviderServer(options: ProviderServerOptions): Promise<ProviderServer> {
  const { provider, host, port, apiKey, onError } = options;
  const routes = routesOf(options);
  const server = createServer((request, response) => {
    void answer(request, routes, apiKey, provider)
      .catch((error: unknown) => replyTo(error, onError))
      .then((reply) => respond(response, reply, provider.behavior().lostAnswer));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: portOf(server),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function routesOf({ provider, apiKey, clock, newId }: ProviderServerOptions): ReadonlyMap<string, Route> {
  const { ledger } = provider;
  const handlers = createWriteHandlers(provider, clock, newId);
  const write =
    (handler: WriteHandler): Route =>
    async (request, id) => {
      const key = idempotencyKey(request.headers["idempotency-key"]);
      const body = await readBody(request);
      if (provider.faults.refuses()) return overloaded();
      const print = fingerprint(apiKey, request.method ?? "", request.url ?? "", body);
      return handler({ members: parseMembers(body), key, fingerprint: print }, id);
    };
  return new Map<string, Route>([
    ["POST /v1/tokens", write(handlers.tokenize)],
    ["POST /v1/authorizations", write(handlers.authorize)],
    ["POST /v1/authorizations/:id/captures", write(handlers.capture)],
    ["POST /v1/authorizations/:id/void", write(handlers.void)],
    ["POST /v1/authorizations/:id/refunds", write(handlers.refund)],
    ["GET /v1/authorizations/:id", (_, id) => getAuthorization(ledger, id)],
    ["GET /v1/operations", (_, __, query) => listOperations(ledger, query)],
    ["GET /v1/test_cards", () => ({ status: 200, body: { cards: TEST_CARDS } })],
    ["GET /admin/behavior", () => ({ status: 200, body: provider.behavior() })],
    [
      "PATCH /admin/behavior",
      async (request) => {
        provider.change(parseMembers(await readBody(request)));
        return { status: 200, body: provider.behavior() };
      },
    ],
  ]);
}

async function answer(
  request: IncomingMessage,
  routes: ReadonlyMap<string, Route>,
  apiKey: string,
  provider: Provider,
): Promise<Reply | "lost"> {
  const url = new URL(request.url ?? "/", "http://provider");
  if (url.pathname === "/healthz") return { status: 200, body: { serving: true, pid: process.pid } };
  if (!isAuthorized(request, apiKey))
    return refused(401, "unauthorized", "the account's key is missing or wrong");
  // /v1/authorizations/<id>/captures
  const [, version = "", collection = "", id = "", action] = url.pathname.split("/");
  const path = [version, collection, ...(id === "" || version === "admin" ? [id] : [":id"]), action];
  const name = path.filter((step) => step !== undefined && step !== "").join("/");
  const route = routes.get(`${request.method} /${name}`);
  if (route === undefined) return notFound();
  if (request.method === "GET" && version === "v1" && provider.faults.refuses()) return overloaded();
  return route(request, id, url.searchParams);
}

function isAuthorized(request: IncomingMessage, apiKey: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? "");
  const wanted = Buffer.from(`Bearer ${apiKey}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function replyTo(error: unknown, onError: (error: unknown) => void): Reply {
  if (error instanceof BadRequest) return refused(400, "invalid_request", error.message);
  if (error instanceof InvalidBehavior) return refused(400, "invalid_behavior", error.message);
  onError(error);
  return failed();
}

function respond(response: ServerResponse, reply: Reply | "lost", lostAnswer: "hang" | "reset"): void {
  if (reply === "lost") {
    // A silent connection stays until the caller has had enough.
    if (lostAnswer === "reset") response.destroy();
    return;
  }
  const body = JSON.stringify(reply.body);
  response.writeHead(reply.status, { "content-type": "application/json" });
  response.end(body);
}

// A server that listens on TCP has an address with a port.
function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
