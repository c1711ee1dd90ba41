import fc from "fast-check";
import { expect, test } from "vitest";
import { checkedProfile } from "./link-profile.ts";
import { checkToxic, conditionsUnder, type LinkToxic } from "./link-toxic.ts";

const way = fc.constantFrom("up", "down", undefined).map((way) => (way === undefined ? {} : { way }));
const toxic: fc.Arbitrary<LinkToxic> = fc.oneof(
  fc
    .record({ delayMs: fc.nat(100), jitterMs: fc.nat(100), bandwidthBytesPerSecond: fc.integer({ min: 1 }) })
    .chain((values) => way.map((way) => ({ kind: "slow" as const, ...values, ...way }))),
  way.map((way) => ({ kind: "hold" as const, ...way })),
  way.map((way) => ({ kind: "swallow" as const, ...way })),
  fc.constant({ kind: "abandon" as const, gone: "client" as const }),
  fc.constant({ kind: "reset" as const }),
);
const profile = checkedProfile({ name: "x", delayMs: 3, jitterMs: 2, bandwidthBytesPerSecond: 1e6 });

test("a link without toxics is as its profile says", () => {
  const { name, ...same } = profile;
  expect(conditionsUnder(profile, [], "up")).toEqual({ ...same, flow: "carried" });
});

test("toxics add up in any order, and never make a link better", () => {
  fc.assert(
    fc.property(fc.array(toxic, { maxLength: 6 }), (toxics) => {
      const up = conditionsUnder(profile, toxics, "up");
      expect(conditionsUnder(profile, toxics.toReversed(), "up")).toEqual(up);
      expect(up.delayMs).toBeGreaterThanOrEqual(profile.delayMs);
      expect(up.bandwidthBytesPerSecond).toBeLessThanOrEqual(profile.bandwidthBytesPerSecond);
    }),
  );
});

test("a toxic of one way leaves the other alone", () => {
  const toxics: LinkToxic[] = [
    { kind: "slow", delayMs: 10, way: "down" },
    { kind: "hold", way: "up" },
  ];
  expect(conditionsUnder(profile, toxics, "up")).toMatchObject({ delayMs: 3, flow: "held" });
  expect(conditionsUnder(profile, toxics, "down")).toMatchObject({ delayMs: 13, flow: "carried" });
});

test("what swallows leaves nothing to hold", () => {
  const hold: LinkToxic = { kind: "hold" };
  const swallow: LinkToxic = { kind: "swallow" };
  expect(conditionsUnder(profile, [hold, swallow], "up").flow).toBe("swallowed");
  expect(conditionsUnder(profile, [swallow, hold], "up").flow).toBe("swallowed");
});

test("values that no link can have are refused by name", () => {
  expect(() => checkToxic("a", { kind: "slow", jitterMs: 60_001 })).toThrow(/"a": jitterMs.*got 60001/);
  expect(() => checkToxic("b", { kind: "slow", bandwidthBytesPerSecond: 0 })).toThrow(
    /"b": bandwidth.*got 0/,
  );
});
