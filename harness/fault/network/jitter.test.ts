import { afterEach, expect, test } from "vitest";
import { dial, echo, linksForTests, roundTripMs, sayTo, transparent } from "../testing/through-link.ts";
import { jitter } from "./jitter.ts";

const { through, close } = linksForTests();
afterEach(close);

test("bytes take a share of it longer, there and back", async () => {
  const link = await through(transparent, echo);
  const socket = await dial(link);
  const fault = jitter(link, 60);
  await fault.strike();
  expect(await roundTripMs(socket)).toBeGreaterThanOrEqual(59);
  await fault.heal();
  socket.destroy();
});

test("what is on its way when it heals waits no longer", async () => {
  const link = await through(transparent, echo);
  const socket = await dial(link);
  const fault = jitter(link, 60_000);
  await fault.strike();
  const answer = sayTo(socket, "x");
  await fault.heal();
  await fault.heal();
  expect(await answer).toBe("x");
  socket.destroy();
});
