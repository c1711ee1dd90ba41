// The client against a server that answers whatever a test likes: only an answer about the operation is an outcome.
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, describe, expect, test } from "vitest";
import { createHttpProvider } from "./http-provider.ts";
import type { ProviderOperation } from "./provider-port.ts";

let respond: RequestListener = () => {};
let requests = 0;
const server = createServer((request, response) => {
  requests += 1;
  respond(request, response);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
const { port } = server.address() as AddressInfo;
const provider = createHttpProvider({ url: `http://127.0.0.1:${port}/`, apiKey: "key", timeoutMs: 200 });

const answers =
  (status: number, body: unknown): RequestListener =>
  (_, response) =>
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
const capture: ProviderOperation = {
  kind: "capture",
  key: "k",
  authorization: "a/b",
  amount: 5n,
  final: true,
};
const succeeded = { operation: { id: "c", kind: "capture", status: "succeeded" } };

describe("an operation", () => {
  test.each<[string, RequestListener]>([
    ["no JSON", answers(200, "<html>")],
    ["no operation", answers(200, {})],
    ["an operation without an end", answers(200, { operation: { id: "c", status: "waiting" } })],
    [
      "an authorization without a card",
      answers(200, { operation: { ...succeeded.operation, kind: "authorize" } }),
    ],
    ["a failure that carries a success", answers(422, succeeded)],
    ["a decline without a code", answers(402, { operation: { id: "c", status: "declined" } })],
    ["500", answers(500, { error: { code: "internal_error" } })],
    ["503", answers(503, { error: { code: "overloaded" } })],
    ["429", answers(429, {})],
    ["401", answers(401, {})],
    ["409", answers(409, { error: { code: "idempotency_key_in_use" } })],
    ["another place", (_, response) => response.writeHead(307, { location: "http://127.0.0.1:1/" }).end()],
    ["a broken connection", (_, response) => response.destroy()],
    [
      "half an answer",
      (_, response) => response.writeHead(200, { "content-length": 50 }).write("{") && response.destroy(),
    ],
    ["nothing", () => {}],
  ])("answered with %s is unknown, and not sent again", async (_, answer) => {
    respond = answer;
    requests = 0;
    expect(await provider.execute(capture)).toMatchObject({ kind: "unknown", cause: expect.any(Error) });
    expect(requests).toBe(1);
  });

  test("is sent under its key, with the shop's account, to the authorization it is about", async () => {
    const seen = Promise.withResolvers<unknown>();
    respond = async (request, response) => {
      const body = JSON.parse((await Array.fromAsync(request)).join(""));
      const { "idempotency-key": key, authorization } = request.headers;
      seen.resolve({ url: request.url, key, authorization, body });
      answers(200, succeeded)(request, response);
    };
    expect(await provider.execute(capture)).toEqual({ kind: "succeeded", reference: "c" });
    expect(await seen.promise).toEqual({
      url: "/v1/authorizations/a%2Fb/captures",
      key: "k",
      authorization: "Bearer key",
      body: { amount: "5", final: true, merchant_reference: "k" },
    });
  });

  test("that is refused for good has failed", async () => {
    for (const [status, code] of [
      [400, "invalid_request"],
      [404, "not_found"],
    ] as const) {
      respond = answers(status, { error: { code } });
      expect(await provider.execute(capture)).toEqual({ kind: "failed", reference: "", failureCode: code });
    }
  });

  test("whose caller gives up is unknown", async () => {
    respond = () => {};
    const signal = AbortSignal.abort(new Error("enough"));
    expect(await provider.execute(capture, signal)).toMatchObject({ kind: "unknown" });
  });
});

test("what is not found, and what is wrong, are told apart", async () => {
  respond = answers(200, { operations: [] });
  expect(await provider.find("k")).toEqual({ kind: "not_found" });
  for (const body of [{}, { operations: ["x"] }, { operations: [{}] }]) {
    respond = answers(200, body);
    expect(await provider.find("k")).toMatchObject({ kind: "unknown" });
  }
  respond = answers(404, { operations: [] });
  expect(await provider.find("k")).toMatchObject({ kind: "unknown" });
});

test("a hold is held, expired or let go of, and else unknown", async () => {
  for (const [status, kind] of [
    ["held", "held"],
    ["expired", "expired"],
    ["voided", "released"],
    ["captured", "released"],
  ]) {
    respond = answers(200, { status });
    expect(await provider.holdOf("a")).toEqual({ kind });
  }
  respond = answers(404, {});
  expect(await provider.holdOf("a")).toMatchObject({ kind: "unknown" });
});

test("a bad option is refused with its value", () => {
  const create = (options: object) => () => createHttpProvider({ url: "http://p", apiKey: "", ...options });
  expect(create({ url: "ftp://p" })).toThrow(/"ftp:\/\/p"/);
  expect(create({ timeoutMs: 0 })).toThrow(/timeoutMs 0/);
});
