import { expect, test } from "vitest";
import type { Call } from "#impl/runtime/call.ts";
import { unauthenticated } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { Idempotency } from "#proto/ecommerce/v1/policy.ts";
import { startServers } from "./testing/client-fixture.ts";

const methods = {
  unary: { policy: { idempotency: Idempotency.IDEMPOTENCY_NOT_IDEMPOTENT } },
  expand: { responseStream: true },
  collect: { requestStream: true },
} as const;

/** A server that takes one token, which the test may change, and keeps those that it was sent. */
async function startGuarded() {
  const guard = { valid: "Bearer t1", sent: [] as string[] };
  const check = (call: Call): void => {
    const token = call.metadata.get("authorization") ?? "";
    guard.sent.push(token);
    if (token !== guard.valid) throw unauthenticated("TOKEN_EXPIRED", "expired");
  };
  const shop = await startServers(1, methods, () => ({
    unary: (request, call) => {
      check(call);
      return request;
    },
    async *expand(request, call) {
      check(call);
      yield request;
    },
    collect: async (requests, call) => {
      check(call);
      return (await Array.fromAsync(requests)).join("");
    },
  }));
  return { shop, guard };
}

/** Tokens t1, t2 ...: another only when one was rejected. */
function numbered() {
  const asked = { times: 0, renewals: 0 };
  let number = 1;
  const token = async (rejected?: string): Promise<string> => {
    asked.times += 1;
    if (rejected === `t${number}`) {
      number += 1;
      asked.renewals += 1;
    }
    return `t${number}`;
  };
  return { token, asked };
}

test("every call carries the token, whatever its kind", async () => {
  const { shop, guard } = await startGuarded();
  await using _ = shop;
  const { echo } = shop.connect({ token: () => "t1" });
  expect(await echo.unary("a")).toBe("a");
  expect(await Array.fromAsync(echo.expand("a"))).toEqual(["a"]);
  expect(await echo.collect(["a", "b"])).toBe("ab");
  expect(guard.sent).toEqual(["Bearer t1", "Bearer t1", "Bearer t1"]);
});

test("a token that has expired is renewed once for all calls that it failed, and they are made again", async () => {
  const { shop, guard } = await startGuarded();
  await using _ = shop;
  const { token, asked } = numbered();
  const { echo } = shop.connect({ token });
  await echo.unary("");
  guard.valid = "Bearer t2";
  const answers = await Promise.all([
    ...Array.from({ length: 10 }, () => echo.unary("a")),
    Array.fromAsync(echo.expand("a")).then((all) => all.join("")),
  ]);
  expect(answers).toEqual(Array.from({ length: 11 }, () => "a"));
  expect(asked.renewals).toBe(1);
});

test("a token that is refused again is the caller's error, after one more call", async () => {
  const { shop, guard } = await startGuarded();
  await using _ = shop;
  guard.valid = "Bearer none";
  const { echo } = shop.connect({ token: numbered().token });
  await expect(echo.unary("")).rejects.toMatchObject({ code: Code.UNAUTHENTICATED, reason: "TOKEN_EXPIRED" });
  expect(guard.sent).toEqual(["Bearer t1", "Bearer t2"]);
  await expect(Array.fromAsync(echo.expand(""))).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
});

test("without another token a call is not made again", async () => {
  const { shop, guard } = await startGuarded();
  await using _ = shop;
  const { echo } = shop.connect({ token: () => "old" });
  await expect(echo.unary("")).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  expect(guard.sent).toEqual(["Bearer old"]);
});

test("a stream of requests is not sent twice", async () => {
  const { shop, guard } = await startGuarded();
  await using _ = shop;
  const { echo } = shop.connect({ token: numbered().token });
  guard.valid = "Bearer t2";
  await expect(echo.collect(["a"])).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  expect(guard.sent).toEqual(["Bearer t1"]);
});

test("a provider that fails fails the call", async () => {
  const { shop } = await startGuarded();
  await using _ = shop;
  const error = new Error("the login server is gone");
  const { echo } = shop.connect({ token: () => Promise.reject(error) });
  await expect(echo.unary("")).rejects.toBe(error);
});
