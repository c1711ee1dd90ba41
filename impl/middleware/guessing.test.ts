import { expect, test } from "vitest";
import { startEcho } from "#impl/client/testing/echo.ts";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { unauthenticated } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { authenticate } from "./authenticate.ts";
import { createMemoryBuckets } from "./buckets.ts";
import { guessing } from "./guessing.ts";
import { verifiersOfTokens } from "./testing/verifiers.ts";

async function startGuarded() {
  const clock = manualClock(Date.now());
  const remembered = new Set<string>();
  let verified = 0;
  const echo = await startEcho(
    { unary: {} },
    { unary: (_, call) => call.principal?.userId ?? "nobody" },
    {
      clock,
      links: () => [
        guessing({
          failures: createMemoryBuckets({ clock }).space({ perSecond: 1, burst: 3 }),
          isVerified: (call) => remembered.has(call.metadata.get("authorization") ?? ""),
        }),
        authenticate(
          verifiersOfTokens((token) => {
            verified += 1;
            if (token !== "right") throw unauthenticated("TOKEN_INVALID", "the access token is not valid");
            remembered.add(`Bearer ${token}`);
            return { userId: "ann", roles: [], permissions: new Set() };
          }),
        ),
      ],
    },
  );
  const ask = (authorization: string): Promise<string> =>
    echo.client.unary("", { metadata: { authorization } });
  return { echo, ask, clock, remembered, verified: () => verified };
}

const wrong = { code: Code.UNAUTHENTICATED };
const refused = {
  code: Code.RESOURCE_EXHAUSTED,
  details: { quotaFailure: { violations: [{ subject: "address:127.0.0.1" }] } },
};

test("after too many wrong credentials an address is refused before they are verified, until it has waited", async () => {
  const { echo, ask, clock, verified } = await startGuarded();
  await using _ = echo;
  for (let i = 0; i < 3; i++) await expect(ask(`Bearer guess ${i}`)).rejects.toMatchObject(wrong);
  await expect(ask("Bearer guess")).rejects.toMatchObject(refused);
  await expect(ask("Bearer right")).rejects.toMatchObject(refused);
  expect(verified()).toBe(3);
  clock.advance(1_000);
  expect(await ask("Bearer right")).toBe("ann");
});

test("those who were verified before, and those without credentials, go on meanwhile", async () => {
  const { echo, ask } = await startGuarded();
  await using _ = echo;
  expect(await ask("Bearer right")).toBe("ann");
  for (let i = 0; i < 3; i++) await expect(ask("Bearer guess")).rejects.toMatchObject(wrong);
  await expect(ask("Bearer guess")).rejects.toMatchObject(refused);
  expect(await ask("Bearer right")).toBe("ann");
  expect(await echo.client.unary("")).toBe("nobody");
});

test("right credentials are never counted", async () => {
  const { echo, ask, remembered } = await startGuarded();
  await using _ = echo;
  for (let i = 0; i < 20; i++) {
    remembered.clear();
    expect(await ask("Bearer right")).toBe("ann");
  }
});
