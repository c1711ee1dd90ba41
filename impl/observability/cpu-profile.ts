// Where this process spends its CPU: V8's sampling profiler for some seconds, switched on only for that time.
import { Session } from "node:inspector/promises";
import { type Clock, sleep } from "#impl/runtime/clock.ts";

/** The content of a .cpuprofile file. */
export interface CpuProfileFile {
  readonly nodes: readonly object[];
}

export class ProfileRunningError extends Error {
  constructor() {
    super("a profile is being taken; there is one profiler in a process");
    this.name = "ProfileRunningError";
  }
}

/** Takes one profile at a time; a second one fails with ProfileRunningError. */
export function createCpuProfiler(clock: Clock): (seconds: number) => Promise<CpuProfileFile> {
  let running = false;
  return async (seconds) => {
    if (running) throw new ProfileRunningError();
    running = true;
    const session = new Session();
    try {
      session.connect();
      await session.post("Profiler.enable");
      await session.post("Profiler.setSamplingInterval", { interval: SAMPLING_MICROS });
      await session.post("Profiler.start");
      await sleep(clock, seconds * 1000);
      const { profile } = await session.post("Profiler.stop");
      return profile;
    } finally {
      // It ends the profiling too, whatever happened.
      session.disconnect();
      running = false;
    }
  };
}

const SAMPLING_MICROS = 500;
