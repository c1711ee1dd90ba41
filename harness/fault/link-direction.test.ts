import fc from "fast-check";
import { expect, test } from "vitest";
import { linkDirection } from "./link-direction.ts";
import { checkedProfile, type LinkProfile } from "./link-profile.ts";
import { conditionsUnder } from "./link-toxic.ts";

const clock = { nowMs: () => 1000, after: () => () => {} };

test("bytes sent at once arrive one after another at the link's speed, whoever sent them", () => {
  const conditions = conditionsOf({ name: "x", delayMs: 20, bandwidthBytesPerSecond: 1_000_000 });
  const direction = linkDirection(conditions, clock, () => 0);
  expect([10_000, 10_000, 0, 5000].map((bytes) => direction.arrivalMs(bytes))).toEqual([
    1030, 1040, 1040, 1045,
  ]);
});

test("jitter only ever adds, up to its limit", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (chance) => {
      const direction = linkDirection(
        conditionsOf({ name: "x", delayMs: 5, jitterMs: 10 }),
        clock,
        () => chance,
      );
      const arrival = direction.arrivalMs(1);
      expect(arrival).toBeGreaterThanOrEqual(1005);
      expect(arrival).toBeLessThan(1015.01);
    }),
  );
});

test("after a change the queue begins anew, and whoever watches is told", () => {
  const direction = linkDirection(
    conditionsOf({ name: "x", delayMs: 0, bandwidthBytesPerSecond: 1000 }),
    clock,
    () => 0,
  );
  const told: string[] = [];
  const unwatch = direction.watch(() => told.push(direction.conditions.flow));
  expect(direction.arrivalMs(5000)).toBe(6000);
  direction.become({ ...direction.conditions, flow: "held" });
  expect(direction.arrivalMs(1)).toBe(Infinity);
  direction.whenCarried(() => told.push("carried again"));
  direction.become({ ...direction.conditions, flow: "carried" });
  unwatch();
  direction.whenCarried(() => told.push("at once"));
  expect(told).toEqual(["held", "carried", "carried again", "at once"]);
  expect(direction.arrivalMs(1000)).toBe(2000);
});

function conditionsOf(profile: LinkProfile) {
  return conditionsUnder(checkedProfile(profile), [], "up");
}
