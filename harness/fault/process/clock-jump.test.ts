import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { talkingProcess } from "../testing/talking-process.ts";
import { clockJump, jumpingClock } from "./clock-jump.ts";

const folder = await mkdtemp(join(tmpdir(), "clock-"));
afterAll(() => rm(folder, { recursive: true }));

/** How far the clock that a process reads is from ours, in whole minutes, by each way to read it; and a date that is given. */
const CLOCKS = `JSON.stringify([Date.now(), +new Date(), Date.parse(Date()), new Date(5).getTime(), new Date() instanceof Date])`;

test("the wall clock of a process jumps forward, then back, and is right in between", async () => {
  const file = join(folder, "offset");
  await using other = await talkingProcess(CLOCKS, jumpingClock(file));
  const fault = clockJump({ file, pid: () => other.pid, jumpMs: 600_000 });
  const minutesOff = async (): Promise<number[]> => {
    const [now, date, text, given, same] = JSON.parse(await other.ask());
    expect([given, same]).toEqual([5, true]);
    return [now, date, text].map((ms) => Math.round((ms - Date.now()) / 60_000) + 0);
  };
  expect(await minutesOff()).toEqual([0, 0, 0]);
  await fault.strike();
  expect(await minutesOff()).toEqual([10, 10, 10]);
  await fault.heal();
  await fault.heal();
  expect(await minutesOff()).toEqual([0, 0, 0]);
  await fault.strike();
  expect(await minutesOff()).toEqual([-10, -10, -10]);
  // One that starts while it is on has it from the start.
  await using next = await talkingProcess("Date.now()", jumpingClock(file));
  expect(Math.round((Number(await next.ask()) - Date.now()) / 60_000)).toBe(-10);
  await fault.heal();
});
