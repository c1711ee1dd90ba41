import { expect, test } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import type { OriginalCaller } from "#impl/runtime/principal.ts";
import { echoDefinition } from "#impl/runtime/testing/echo-service.ts";
import { callingFor } from "./calling-for.ts";
import { createClient } from "./client.ts";
import { startEcho } from "./testing/echo.ts";

const methods = { unary: {}, expand: { responseStream: true } } as const;

test("every call of the client is made for the caller, unless it says for whom itself", async () => {
  const asked: Array<OriginalCaller | undefined> = [];
  await using echo = await startEcho(methods, {
    unary: (request) => request,
    async *expand(request) {
      yield request;
    },
  });
  const { channel, schema } = echo;
  const plain = createClient(echoDefinition(methods), {
    channel,
    schema,
    clock: systemClock,
    metadata(caller) {
      asked.push(caller);
      return {};
    },
  });
  const ann = callingFor(plain, { userId: "ann" });
  expect(await ann.unary("a", { deadlineMs: 5_000 })).toBe("a");
  expect(await Array.fromAsync(ann.expand("b"))).toEqual(["b"]);
  await ann.unary("c", { onBehalfOf: { userId: "bob" } });
  await ann.unary("d", { onBehalfOf: { userId: "service:shop" } });
  await plain.unary("e");
  expect(asked).toEqual([{ userId: "ann" }, { userId: "ann" }, { userId: "bob" }, undefined, undefined]);
});
