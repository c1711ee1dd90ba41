import { expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { createMemoryBuckets } from "./buckets.ts";

const once = { perSecond: 1, burst: 1 };

test("every key of every kind has a bucket of its own", () => {
  const buckets = createMemoryBuckets({ clock: manualClock() });
  const [reads, writes] = [buckets.of("read", once), buckets.of("write", once)];
  expect([reads("ann"), reads("bob"), writes("ann")]).toEqual([0, 0, 0]);
  expect([reads("ann"), reads("bob"), writes("ann")]).toEqual([1_000, 1_000, 1_000]);
  expect(buckets.size).toBe(3);
});

test("looking takes nothing and keeps nothing", () => {
  const clock = manualClock();
  const buckets = createMemoryBuckets({ clock });
  const space = buckets.space(once);
  expect([space.wait("ann"), buckets.size]).toEqual([0, 0]);
  expect([space.take("ann"), space.wait("ann"), space.wait("ann")]).toEqual([0, 1_000, 1_000]);
  clock.advance(1_000);
  expect([space.wait("ann"), space.take("ann")]).toEqual([0, 0]);
});

test("of too many buckets the one that was used longest ago goes, of whatever kind", () => {
  const buckets = createMemoryBuckets({ clock: manualClock(), maxBuckets: 2 });
  const [reads, writes] = [buckets.of("read", once), buckets.of("write", once)];
  reads("ann");
  writes("bob");
  reads("ann");
  reads("carl");
  expect(buckets.size).toBe(2);
  expect(reads("ann")).toBe(1_000);
  expect(writes("bob")).toBe(0);
  for (let i = 0; i < 1_000; i++) writes(`guest ${i}`);
  expect(buckets.size).toBe(2);
});
