// The fault of a process that stands still, as in a long collection of garbage or on a host that is moved: SIGSTOP. Its connections stay, and
// what is sent to it waits in the kernel.

import type { Fault } from "../fault.ts";
import { signalProcesses } from "./signal-processes.ts";

export interface PauseOptions {
  /** Such as "pause"; unique among the faults of a run. */
  readonly name: string;
  /** Who stands still, for the report: "the shop". */
  readonly who: string;
  /** Those that run when it strikes. */
  readonly pids: () => readonly number[] | Promise<readonly number[]>;
}

export function pause({ name, who, pids }: PauseOptions): Fault {
  let stopped: readonly number[] = [];
  return {
    name,
    about: `${who} stands still (SIGSTOP)`,
    async strike() {
      stopped = signalProcesses(await pids(), "SIGSTOP");
    },
    async heal() {
      signalProcesses(stopped, "SIGCONT");
      stopped = [];
    },
  };
}
