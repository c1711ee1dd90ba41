import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_RETRY_AFTER_MS, settlementOf } from "./settlement.ts";

const retry = { maxAttempts: 5, delayMs: (failed: number) => failed * 1_000 };

test("a failure is tried again while attempts are left, not before the receiver wants it, and in a day at the latest", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.nat({ max: 10 ** 9 }), (attempts, retryAfterMs) => {
      const settlement = settlementOf({ kind: "failed", error: "busy", retryAfterMs }, attempts, retry, 0);
      if (attempts >= retry.maxAttempts) {
        expect(settlement.kind).toBe("dead");
        return;
      }
      const wanted = Math.max(attempts * 1_000, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
      expect(settlement).toEqual({
        kind: "retry",
        at: new Date(wanted),
        error: "busy",
        endpointFailed: true,
      });
    }),
  );
});

test("a refusal is a dead letter at the first attempt; only what was sent speaks against the endpoint", () => {
  expect(settlementOf({ kind: "refused", error: "no", gone: true }, 1, retry, 0)).toEqual({
    kind: "dead",
    error: "no",
    endpointFailed: true,
    gone: true,
  });
  expect(settlementOf({ kind: "unsendable", error: "no" }, 1, retry, 0)).toMatchObject({
    kind: "dead",
    endpointFailed: false,
  });
});
