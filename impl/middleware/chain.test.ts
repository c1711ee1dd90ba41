import { expect, test } from "vitest";
import { createTokenVerifier } from "#impl/auth/access-token.ts";
import { keysOfSet } from "#impl/auth/trusted-keys.ts";
import { startEcho } from "#impl/client/testing/echo.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import type { Handler, Link } from "#impl/runtime/handler.ts";
import { testSchema } from "#impl/runtime/testing/echo-service.ts";
import { authenticate } from "./authenticate.ts";
import { authorize } from "./authorize.ts";
import { cache } from "./cache.ts";
import { CHAIN_ORDER, type ChainLinks, chain, type LinkName } from "./chain.ts";
import { compress } from "./compress.ts";
import { deadline } from "./deadline.ts";
import { verifiersOfTokens } from "./testing/verifiers.ts";
import { validate } from "./validate.ts";

/** Links that note their names as a call passes, two of each. */
function noting(passed: string[]): ChainLinks {
  const link = (name: string): Link => {
    return (_, next) => (call, input) => {
      passed.push(name);
      return next(call, input);
    };
  };
  const both = (name: LinkName): readonly Link[] => [link(`${name}1`), link(`${name}2`)];
  return {
    trace: both("trace"),
    metrics: both("metrics"),
    log: both("log"),
    overload: both("overload"),
    deadline: both("deadline"),
    compression: both("compression"),
    guessing: both("guessing"),
    auth: both("auth"),
    rate: both("rate"),
    cache: both("cache"),
    validation: both("validation"),
  };
}

const ORDER = "trace metrics log overload deadline compression guessing auth rate cache validation".split(
  " ",
);

test.each([
  ["nothing", []],
  ["the cache", ["cache"]],
  ["all", ORDER],
])("a call passes the links in the order that is written, with %s switched off", async (_, off) => {
  const passed: string[] = [];
  const links = chain(noting(passed), new Set(off));
  await using echo = await startEcho({ unary: {} }, { unary: (request) => request }, { links: () => links });
  await echo.client.unary("");
  expect(passed).toEqual(
    ORDER.filter((name) => !off.includes(name)).flatMap((name) => [`${name}1`, `${name}2`]),
  );
  expect(CHAIN_ORDER).toEqual(ORDER);
});

test.each(["caching", "", "Cache", "toString"])(
  "switching %j off is refused, with the names that are known",
  (name) => {
    expect(() => chain(noting([]), new Set([name]))).toThrow(
      `"${name}" is not a middleware; the names are trace, metrics, log,`,
    );
  },
);

test("a link that has nothing to do for a method is not there", () => {
  const schema = testSchema({ unary: {}, stream: { requestStream: true, responseStream: true } });
  const handler: Handler = () => Buffer.of();
  for (const method of schema.methods.values()) {
    for (const link of [
      authorize,
      cache({ maxBytes: 1_000 }),
      compress({ minBytes: 1, asyncFromBytes: 2 }),
    ]) {
      expect(link(method, handler)).toBe(handler);
    }
    const others = [
      deadline({ maxDeadlineMs: 1 }),
      validate(schema),
      authenticate(
        verifiersOfTokens(createTokenVerifier({ keys: keysOfSet({ keys: [] }), clock: systemClock })),
      ),
    ];
    for (const link of others) expect(link(method, handler)).not.toBe(handler);
  }
});
