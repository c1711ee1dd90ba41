import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { talkingProcess } from "../testing/talking-process.ts";
import { family } from "./family.ts";
import { pause } from "./pause.ts";
import { stutter } from "./stutter.ts";

/** Such as "S", sleeping, or "T", stopped. */
async function stateOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[0];
}

test("a paused process answers nothing, and what was asked meanwhile when it goes on", async () => {
  await using other = await talkingProcess("line");
  const fault = pause({ name: "pause", who: "it", pids: () => [other.pid] });
  await fault.heal();
  expect(await other.ask("a")).toBe("a");
  await fault.strike();
  await expect.poll(() => stateOf(other.pid)).toBe("T");
  const answer = other.ask("b");
  await fault.heal();
  await fault.heal();
  expect(await answer).toBe("b");
});

test("a process that has gone is not an error", async () => {
  const fault = pause({ name: "pause", who: "it", pids: () => [2 ** 22 - 1] });
  await fault.strike();
  await fault.heal();
});

test("a stuttering process stands still again and again, and runs when it is over", async () => {
  await using other = await talkingProcess("line");
  const pids = () => [other.pid];
  const fault = stutter({ name: "slow", who: "it", pids, stillMs: 5, runningMs: 5 });
  await fault.strike();
  for (let times = 0; times < 3; times++) {
    await expect.poll(() => stateOf(other.pid), { interval: 1 }).toBe("T");
    expect(await other.ask("still there")).toBe("still there");
  }
  await fault.heal();
  await fault.heal();
  expect(await stateOf(other.pid)).not.toBe("T");
  expect(await other.ask("x")).toBe("x");
});

test("a stutter that cannot find its processes says so when it is healed", async () => {
  const pids = () => Promise.reject(new Error("no such file"));
  const fault = stutter({ name: "slow", who: "it", pids });
  await fault.strike();
  await expect(fault.heal()).rejects.toThrow("no such file");
});

test("a family is a process and those that it has started", async () => {
  const start = `(globalThis.c ??= require("child_process").spawn("sleep", ["60"])).pid`;
  await using parent = await talkingProcess(start);
  const child = Number(await parent.ask());
  try {
    expect(await family(parent.pid)).toEqual([parent.pid, child]);
  } finally {
    process.kill(child, "SIGKILL");
  }
});
