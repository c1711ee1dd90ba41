// The fault of a wall clock that jumps, as when it is set, or a host wakes up: forward the first time, back the next.

import { readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "../fault.ts";
import { signalProcesses } from "./signal-processes.ts";

export interface ClockJumpOptions {
  /** In which the process is told: FAULT_CLOCK of its environment. */
  readonly file: string;
  /** Of the process that runs now. */
  readonly pid: () => number;
  /** Default 90 s. */
  readonly jumpMs?: number;
}

/** A process that stands still or starts just now sees the file later, and by itself. */
const SEEN_WITHIN_MS = 2_000;
const LOOK_AGAIN_MS = 5;

/** What a process is started with, so that its clock can jump. */
export function jumpingClock(file: string): {
  readonly nodeFlags: string[];
  readonly env: Record<string, string>;
} {
  return {
    nodeFlags: [`--import=${new URL("./jumping-clock.ts", import.meta.url).href}`],
    env: { FAULT_CLOCK: file },
  };
}

export function clockJump({ file, pid, jumpMs = 90_000 }: ClockJumpOptions): Fault {
  let strikes = 0;
  const set = async (offsetMs: number): Promise<void> => {
    await rm(`${file}.seen`, { force: true });
    await writeFile(file, String(offsetMs));
    if (signalProcesses([pid()], "SIGUSR2").length === 0) return;
    const until = performance.now() + SEEN_WITHIN_MS;
    while (performance.now() < until && (await seen(file)) !== String(offsetMs)) await sleep(LOOK_AGAIN_MS);
  };
  return {
    name: "clock-jump",
    about: `the wall clock of the process jumps by ${jumpMs / 1_000} s, forward and back in turn`,
    strike: () => set(strikes++ % 2 === 0 ? jumpMs : -jumpMs),
    heal: () => set(0),
  };
}

function seen(file: string): Promise<string | undefined> {
  return readFile(`${file}.seen`, "utf8").catch(() => undefined);
}
