import { expect, test } from "vitest";
import { killProcess } from "../kill-process.ts";
import { talkingProcess } from "../testing/talking-process.ts";
import { restart } from "./restart.ts";

test("what was killed is started again when it heals, once, and not when it never struck", async () => {
  let started = 0;
  let other = await talkingProcess("line");
  const fault = restart({
    name: "kill-it",
    about: "it is killed",
    kill: async () => killProcess(other.pid),
    start: async () => {
      started += 1;
      other = await talkingProcess("line");
    },
  });
  await fault.heal();
  expect(started).toBe(0);
  await fault.strike();
  await fault.heal();
  await fault.heal();
  expect(started).toBe(1);
  expect(await other.ask("x")).toBe("x");
  await other[Symbol.asyncDispose]();
});
