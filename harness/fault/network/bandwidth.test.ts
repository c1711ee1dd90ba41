import { afterEach, expect, test } from "vitest";
import { dial, echo, linksForTests, roundTripMs, sayTo, transparent } from "../testing/through-link.ts";
import { bandwidth } from "./bandwidth.ts";

const { through, close } = linksForTests();
afterEach(close);

test("bytes take the time that the link needs for them", async () => {
  const link = await through(transparent, echo);
  const socket = await dial(link);
  const fault = bandwidth(link, 100_000);
  await fault.strike();
  expect(await roundTripMs(socket, "x".repeat(10_000))).toBeGreaterThanOrEqual(99);
  await fault.heal();
  socket.destroy();
});

test("what is on its way when it heals waits no longer", async () => {
  const link = await through(transparent, echo);
  const socket = await dial(link);
  const fault = bandwidth(link, 0.001);
  await fault.strike();
  const answer = sayTo(socket, "x");
  await fault.heal();
  await fault.heal();
  expect(await answer).toBe("x");
  socket.destroy();
});
