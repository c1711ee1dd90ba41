// What an executor works with. It decides when an iteration begins and on which virtual user; what an iteration is, it does not know.

import type { VirtualUser } from "../virtual-user.ts";

export interface ExecutorContext {
  /** Milliseconds since the scenario began. */
  elapsedMs(): number;
  /** Resolves at a time of the scenario, at once when it is past, and when the run is to end or `stop` is aborted. */
  at(ms: number, stop?: AbortSignal): Promise<void>;
  /** A further virtual user. One at a time, as in k6. */
  initialize(): Promise<VirtualUser>;
  /** An iteration found nobody to run it. */
  dropped(): void;
  /** The run is to end: nothing new is begun. */
  readonly ending: AbortSignal;
}

/** Begins iterations until the scenario's time is over or its iterations are done; those that still run are `running`. */
export interface Execution {
  /** Resolves when no further iteration will begin. */
  readonly begun: Promise<void>;
  /** Iterations that have begun and are not over. */
  readonly running: ReadonlySet<Promise<void>>;
}

/** Keeps what is under way, so that it can be waited for. */
export class Running extends Set<Promise<void>> {
  track(work: Promise<void>): Promise<void> {
    const tracked = work.finally(() => this.delete(tracked));
    this.add(tracked);
    return tracked;
  }
}
