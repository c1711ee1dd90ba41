// HTTP on real sockets before handlers of a few lines: streams and how they end, disconnects, deadlines, limits, and what no caller should send.
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, expect, test, vi } from "vitest";
import { createErrorBoundary } from "#impl/runtime/boundary.ts";
import type { Call } from "#impl/runtime/call.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { quotaExhausted, RpcError } from "#impl/runtime/rpc-error.ts";
import { DEFAULT_LIMITS } from "#impl/runtime/server.ts";
import { implement } from "#impl/runtime/service.ts";
import { Code } from "#impl/runtime/status.ts";
import { ecommerceSchema, recordingLogger, startTestServer } from "#impl/runtime/testing/test-server.ts";
import { ProductServiceDefinition } from "#proto/ecommerce/v1/product_service.ts";
import { startHttpServer } from "./http-server.ts";

const MAX_BYTES = 64 * 1024;
const REQUEST_TIMEOUT_MS = 300;
/** What a stream does after its first messages, in place of a rate. */
const [ENDLESS, SILENT] = [1, 2];
const ORIGIN = "https://shop.example.com";
/** What the next call of each method does. */
const seen: { call: Call; request: unknown }[] = [];
let failure: RpcError | undefined;

const armed: Link = (_, next) => (call, input) => {
  call.armDeadline();
  return next(call, input);
};

const services = [
  implement(ProductServiceDefinition, {
    async getProduct(request, call) {
      seen.push({ call, request });
      if (failure !== undefined) throw failure;
      if (request.productId !== "slow") return { product: undefined };
      return new Promise((_, reject) =>
        call.signal.addEventListener("abort", () => reject(call.signal.reason)),
      );
    },
    async createProduct(request, call) {
      seen.push({ call, request });
      return { product: request.product };
    },
    async *streamProductUpdates(request, call) {
      seen.push({ call, request });
      const from = Number(request.resumeToken === "" ? "0" : request.resumeToken);
      for (let at = from + 1; at <= 3; at++) {
        yield { resumeToken: String(at), eventTime: undefined, event: undefined };
      }
      if (failure !== undefined) throw failure;
      if (request.maxUpdatesPerSecond === ENDLESS) {
        for (;;) yield { resumeToken: "x".repeat(10_000), eventTime: undefined, event: undefined };
      }
      if (request.maxUpdatesPerSecond === SILENT) {
        await new Promise((_, reject) =>
          call.signal.addEventListener("abort", () => reject(call.signal.reason)),
        );
      }
    },
  }),
];

const schema = ecommerceSchema();
const limits = { ...DEFAULT_LIMITS, maxMessageBytes: MAX_BYTES, requestTimeoutMs: REQUEST_TIMEOUT_MS };
const server = await startTestServer({ schema, services, links: [armed], limits });
const http = await startHttpServer({
  schema,
  methods: server.methods,
  environment: {
    clock: systemClock,
    log: recordingLogger([]),
    boundary: createErrorBoundary({ domain: "testing.example.com" }),
  },
  onCall: server.admit,
  host: "127.0.0.1",
  port: 0,
  corsOrigins: [ORIGIN],
  documents: new Map([["/openapi.json", "{}"]]),
  limits,
});
server.addDoor(http);
const base = `http://${http.address}`;
afterAll(() => server.drain());

const JSON_BODY = { "content-type": "application/json" };
const STREAM = "/v1/products:streamUpdates";

async function during<T>(error: RpcError, run: () => Promise<T>): Promise<T> {
  failure = error;
  try {
    return await run();
  } finally {
    failure = undefined;
  }
}

/** What comes back for bytes as they are, until the connection closes. */
async function raw(bytes: string): Promise<string> {
  const [host, port] = http.address.split(":");
  const socket = connect(Number(port), host);
  socket.on("error", () => {});
  socket.write(bytes);
  return text(socket);
}

test("a stream is a JSON text a line", async () => {
  const response = await fetch(`${base}${STREAM}`);
  expect(response.headers.get("content-type")).toBe("application/x-ndjson");
  const lines = (await response.text())
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toEqual(["1", "2", "3"].map((resumeToken) => ({ result: { resumeToken } })));
});

test("a stream that fails says why in its last line, and where it goes on", async () => {
  const error = new RpcError({
    code: Code.UNAVAILABLE,
    reason: "GONE",
    message: "gone",
    trailers: [["resume-token", "t"]],
  });
  const body = await during(error, async () => (await fetch(`${base}${STREAM}`)).text());
  const last = JSON.parse(body.trim().split("\n").at(-1) ?? "");
  expect(last).toMatchObject({
    error: { code: Code.UNAVAILABLE, details: [{ reason: "GONE" }] },
    resumeToken: "t",
  });
});

test("server-sent events have resume tokens for ids, and Last-Event-ID goes on after one", async () => {
  const accept = { accept: "text/event-stream" };
  const all = await (await fetch(`${base}${STREAM}`, { headers: accept })).text();
  expect(all).toMatch(/^id: 1\ndata: \{"resumeToken":"1"\}\n\n/);
  expect(all).toMatch(/\n\nevent: status\ndata: \{"code":0,.*\}\n\n$/);
  const rest = await (
    await fetch(`${base}${STREAM}`, { headers: { ...accept, "last-event-id": "2" } })
  ).text();
  expect(rest.match(/^id: .*$/gm)).toEqual(["id: 3"]);
});

test("a stream that has nothing to tell yet is open", async () => {
  const cancel = new AbortController();
  const response = await fetch(`${base}${STREAM}?max_updates_per_second=${SILENT}&resume_token=3`, {
    signal: cancel.signal,
  });
  expect(response.status).toBe(200);
  cancel.abort();
});

test.each([
  ["a unary call", "/v1/products/slow"],
  ["a silent stream", `${STREAM}?max_updates_per_second=${SILENT}`],
  ["an endless stream whose reader does not read", `${STREAM}?max_updates_per_second=${ENDLESS}`],
])("the caller's disconnect cancels %s", async (_, path) => {
  const before = seen.length;
  const [host, port] = http.address.split(":");
  const socket = connect(Number(port), host);
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  await vi.waitUntil(() => seen.length > before, { interval: 5 });
  const call = seen.at(-1)?.call;
  expect(call?.finished).toBe(false);
  socket.destroy();
  await vi.waitUntil(() => call?.finished, { interval: 5 });
  expect(call?.status?.code).toBe(Code.CANCELLED);
});

test("a reader that does not read holds its producer", async () => {
  const [host, port] = http.address.split(":");
  const socket = connect(Number(port), host).pause();
  socket.write(`GET ${STREAM}?max_updates_per_second=${ENDLESS} HTTP/1.1\r\nhost: x\r\n\r\n`);
  const before = seen.length;
  await vi.waitUntil(() => seen.length > before, { interval: 5 });
  const call = seen.at(-1)?.call;
  let sent = -1;
  await vi.waitUntil(
    () => {
      const still = sent === call?.sentBytes && sent > 0;
      sent = call?.sentBytes ?? 0;
      return still;
    },
    { interval: 30 },
  );
  expect(call?.finished).toBe(false);
  expect(sent).toBeLessThan(64 * 1024 * 1024);
  socket.destroy();
});

test("Grpc-Timeout is the deadline", async () => {
  const late = await fetch(`${base}/v1/products/slow`, { headers: { "grpc-timeout": "30m" } });
  expect(late.status).toBe(504);
  const malformed = await fetch(`${base}/v1/products/a`, { headers: { "grpc-timeout": "-5S" } });
  expect(malformed.status).toBe(400);
});

test("RetryInfo is Retry-After, in whole seconds", async () => {
  const error = quotaExhausted("TOO_MANY", "user:1", "too many", {}, 1_200);
  const response = await during(error, () => fetch(`${base}/v1/products/a`));
  expect([response.status, response.headers.get("retry-after")]).toEqual([429, "2"]);
  const body = (await response.json()) as { details: { "@type": string }[] };
  expect(body.details.map((detail) => detail["@type"])).toContain("type.googleapis.com/google.rpc.RetryInfo");
});

test.each<readonly [string, number, string, RequestInit | undefined]>([
  ["a path that is none", 404, "/v1/nothing", undefined],
  ["another method", 405, "/v1/products/a", { method: "PUT" }],
  ["a path that is not UTF-8", 400, "/v1/products/%ff", undefined],
  ["an unknown parameter", 400, "/v1/products/a?x=1", undefined],
  ["an unknown member", 400, "/v1/products", { method: "POST", headers: JSON_BODY, body: '{"x":1}' }],
  ["JSON that is none", 400, "/v1/products", { method: "POST", headers: JSON_BODY, body: "{" }],
  [
    "another type",
    415,
    "/v1/products",
    { method: "POST", headers: { "content-type": "text/plain" }, body: "{}" },
  ],
  [
    "another charset",
    415,
    "/v1/products",
    { method: "POST", headers: { "content-type": "application/json; charset=latin1" }, body: "{}" },
  ],
  ["a body where none is taken", 400, "/v1/products/a", { method: "DELETE", headers: JSON_BODY, body: "{}" }],
  [
    "a huge body",
    413,
    "/v1/products",
    { method: "POST", headers: JSON_BODY, body: " ".repeat(MAX_BYTES + 1) },
  ],
])("%s is %i with a status as JSON", async (_, status, path, init) => {
  const response = await fetch(`${base}${path}`, init);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({
    details: expect.arrayContaining([expect.objectContaining({ domain: "testing.example.com" })]),
  });
  if (status === 405) expect(response.headers.get("allow")).toBe("GET, PATCH, DELETE");
});

test("a body that grows without end is refused, and its connection closed", async () => {
  const head =
    "POST /v1/products HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
  const size = MAX_BYTES + 1;
  expect(await raw(`${head}${size.toString(16)}\r\n${" ".repeat(size)}\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
});

test("a body that does not come is 408, and its connection closed", async () => {
  const head =
    "POST /v1/products HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
  expect(await raw(head)).toMatch(/^HTTP\/1\.1 408 /);
});

test("headers that are too large, and no HTTP at all, are refused", async () => {
  expect(await raw(`GET / HTTP/1.1\r\nhost: x\r\nx: ${"x".repeat(20_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 /,
  );
  expect(await raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
});

test("pages of allowed origins may read, and no others", async () => {
  const allowed = (response: Response) => response.headers.get("access-control-allow-origin");
  const ask = (origin: string, init?: RequestInit) =>
    fetch(`${base}/v1/products/a`, { ...init, headers: { origin } });
  expect(allowed(await ask(ORIGIN))).toBe(ORIGIN);
  expect(allowed(await ask("https://evil.example.com"))).toBeNull();
  const preflight = await ask(ORIGIN, { method: "OPTIONS" });
  expect([preflight.status, allowed(preflight)]).toEqual([204, ORIGIN]);
  expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
});

test("when the server drains, a stream ends with its status, and the port closes", async () => {
  const before = seen.length;
  const response = fetch(`${base}${STREAM}?max_updates_per_second=${SILENT}`);
  await vi.waitUntil(() => seen.length > before, { interval: 5 });
  const body = (await response).text();
  await server.drain();
  expect(JSON.parse((await body).trim().split("\n").at(-1) ?? "")).toMatchObject({
    error: { details: [{ reason: "SERVER_DRAINING" }] },
  });
  await expect(fetch(`${base}/openapi.json`)).rejects.toThrow("fetch failed");
});
