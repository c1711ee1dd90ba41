import { afterEach, expect, test } from "vitest";
import { dial, echo, linksForTests, roundTripMs, sayTo, transparent } from "../testing/through-link.ts";
import { bandwidth } from "./bandwidth.ts";
import { jitter } from "./jitter.ts";
import { latency } from "./latency.ts";

const { through, close } = linksForTests();
afterEach(close);

// The chance of a test's link is one half.
test.each([
  ["latency", latency, 30, "x", 59],
  ["jitter", jitter, 60, "x", 59],
  ["bandwidth", bandwidth, 100_000, "x".repeat(10_000), 99],
] as const)("%s: bytes take that much longer, there and back", async (_, make, amount, words, atLeastMs) => {
  const link = await through(transparent, echo);
  const socket = await dial(link);
  const fault = make(link, amount);
  await fault.strike();
  expect(await roundTripMs(socket, words)).toBeGreaterThanOrEqual(atLeastMs);
  await fault.heal();
  socket.destroy();
});

test.each([
  ["latency", latency, 60_000],
  ["jitter", jitter, 60_000],
  ["bandwidth", bandwidth, 0.001],
] as const)("%s: what is on its way when it heals waits no longer", async (_, make, amount) => {
  const link = await through(transparent, echo);
  const socket = await dial(link);
  const fault = make(link, amount);
  await fault.strike();
  const answer = sayTo(socket, "x");
  await fault.heal();
  await fault.heal();
  expect(await answer).toBe("x");
  socket.destroy();
});
