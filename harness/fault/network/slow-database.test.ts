import { afterEach, expect, test } from "vitest";
import { dial, echo, linksForTests, roundTripMs, transparent } from "../testing/through-link.ts";
import { latency } from "./latency.ts";
import { slowDatabase } from "./slow-database.ts";

const { through, close } = linksForTests();
afterEach(close);

test("answers come later, and healing takes away nothing but its own", async () => {
  const link = await through(transparent, echo);
  const socket = await dial(link);
  const slow = slowDatabase(link, { delayMs: 20, jitterMs: 20 });
  const long = latency(link, 20);
  await slow.strike();
  expect(await roundTripMs(socket)).toBeGreaterThanOrEqual(59);
  await long.strike();
  expect(await roundTripMs(socket)).toBeGreaterThanOrEqual(99);
  await slow.heal();
  expect(await roundTripMs(socket)).toBeGreaterThanOrEqual(39);
  await long.heal();
  socket.destroy();
});
