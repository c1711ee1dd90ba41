// The one shape of every fault: something that can be done to a running system and undone again. What it acts on (a link, a process,
// a folder) is given to the function that makes it.

export interface Fault {
  /** The usual name, such as "latency" or "pause": unique among the faults of a run. */
  readonly name: string;
  /** What it does, in words, for the report. */
  readonly about: string;
  /** Resolves when the system is under the fault; rejects when it could not be made so. Not called twice without `heal` between. */
  strike(): Promise<void>;
  /** Undoes it, whether it struck or not, and resolves when nothing of it is left. Does nothing the second time. */
  heal(): Promise<void>;
}

/** A fault that this machine cannot make. */
export interface SkippedFault {
  readonly name: string;
  /** Why not, in words, for the report. */
  readonly skipped: string;
}

export function isSkipped(fault: Fault | SkippedFault): fault is SkippedFault {
  return "skipped" in fault;
}
