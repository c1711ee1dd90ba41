import fc from "fast-check";
import { expect, test } from "vitest";
import { linkDirection } from "./link-direction.ts";
import { checkedProfile } from "./link-profile.ts";

const clock = { nowMs: () => 1000, after: () => () => {} };

test("bytes sent at once arrive one after another at the link's speed, whoever sent them", () => {
  const profile = checkedProfile({ name: "x", delayMs: 20, bandwidthBytesPerSecond: 1_000_000 });
  const direction = linkDirection(profile, clock, () => 0);
  expect([10_000, 10_000, 0, 5000].map((bytes) => direction.arrivalMs(bytes))).toEqual([
    1030, 1040, 1040, 1045,
  ]);
});

test("jitter only ever adds, up to its limit", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (chance) => {
      const direction = linkDirection(
        checkedProfile({ name: "x", delayMs: 5, jitterMs: 10 }),
        clock,
        () => chance,
      );
      const arrival = direction.arrivalMs(1);
      expect(arrival).toBeGreaterThanOrEqual(1005);
      expect(arrival).toBeLessThan(1015.01);
    }),
  );
});
