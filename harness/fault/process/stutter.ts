// The fault of a process that is slow, as on a disk or a processor that others use: it stands still for most of the time, again and again.

import type { Fault } from "../fault.ts";
import type { PauseOptions } from "./pause.ts";
import { signalProcesses } from "./signal-processes.ts";

export interface StutterOptions extends PauseOptions {
  /** Of each turn. Default 40. */
  readonly stillMs?: number;
  /** Between two turns. Default 10. */
  readonly runningMs?: number;
}

/** Processes that begin while it is on stutter from their first turn on. */
export function stutter({ name, who, pids, stillMs = 40, runningMs = 10 }: StutterOptions): Fault {
  let stop: (() => Promise<void>) | undefined;
  return {
    name,
    about: `${who} runs ${runningMs} ms, then stands still for ${stillMs} ms`,
    async strike() {
      stop = repeating(pids, stillMs, runningMs);
    },
    async heal() {
      await stop?.();
      stop = undefined;
    },
  };
}

/** Returns how to end it, with everything running. A failure to find the processes is told by that. */
function repeating(pids: PauseOptions["pids"], stillMs: number, runningMs: number): () => Promise<void> {
  const end = Promise.withResolvers<void>();
  let ended = false;
  const wait = (ms: number): Promise<void> => {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    return Promise.race([over, end.promise]).finally(() => clearTimeout(timer));
  };
  const turns = async (): Promise<void> => {
    while (!ended) {
      const stopped = signalProcesses(await pids(), "SIGSTOP");
      await wait(stillMs);
      signalProcesses(stopped, "SIGCONT");
      await wait(runningMs);
    }
  };
  const running = turns();
  // Told when it is ended.
  running.catch(() => {});
  return () => {
    ended = true;
    end.resolve();
    return running;
  };
}
