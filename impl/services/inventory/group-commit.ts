// Group commit: jobs that come while a transaction is under way wait and go into the next one together. A job that comes alone
// runs at once; a crowd shares its locks, its round trips and its commit. A second transaction beside the first would only split
// the crowd, and wait for the same rows: it begins when more jobs wait than one can take. What a job does it does not know.

export interface GroupCommitOptions<J> {
  /** Runs the jobs in one transaction; one outcome for each, in their order. `signal` aborts when nobody waits for any of them. */
  readonly run: (jobs: readonly J[], signal: AbortSignal) => Promise<readonly Outcome[]>;
  /** Groups at most that run at the same time, each on a connection of its own. */
  readonly lanes: number;
  readonly maxJobs: number;
  /** Of all jobs in a group together; one that is heavier runs alone. */
  readonly maxWeight: number;
  /** Of one job, above 0. */
  readonly weightOf: (job: J) => number;
}

/** Undefined is success. */
export type Outcome = { readonly error: unknown } | undefined;

/** Resolves when the job is committed. A signal that aborts before the job has begun keeps it from beginning. */
export type Submit<J> = (job: J, signal: AbortSignal) => Promise<void>;

interface Waiting<J> {
  readonly job: J;
  readonly signal: AbortSignal;
  readonly settle: (outcome: Outcome) => void;
}

export function groupCommit<J>(options: GroupCommitOptions<J>): Submit<J> {
  const { run, lanes } = options;
  const queue = createQueue(options);
  let busy = 0;

  const lane = async (): Promise<void> => {
    busy += 1;
    for (let group = queue.take(); group.length > 0; group = queue.take()) {
      const presence = untilAllLeave(group);
      const jobs = group.map(({ job }) => job);
      const outcomes = await run(jobs, presence.signal).catch((error: unknown) =>
        group.map(() => ({ error })),
      );
      presence.release();
      for (const [index, { settle }] of group.entries()) settle(outcomes[index]);
    }
    busy -= 1;
  };

  return (job, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        if (queue.remove(waiting)) reject(signal.reason);
      };
      const settle = (outcome: Outcome): void => {
        signal.removeEventListener("abort", onAbort);
        if (outcome === undefined) resolve();
        else reject(outcome.error);
      };
      const waiting = { job, signal, settle };
      signal.addEventListener("abort", onAbort, { once: true });
      queue.add(waiting);
      if (busy === 0 || (busy < lanes && queue.overflows())) void lane();
    });
}

/** Those who wait, in the order of their arrival. */
function createQueue<J>({ maxJobs, maxWeight, weightOf }: GroupCommitOptions<J>) {
  const queue = new Set<Waiting<J>>();
  let weight = 0;
  const remove = (waiting: Waiting<J>): boolean => {
    const was = queue.delete(waiting);
    if (was) weight -= weightOf(waiting.job);
    return was;
  };
  return {
    remove,
    add(waiting: Waiting<J>): void {
      queue.add(waiting);
      weight += weightOf(waiting.job);
    },
    /** More wait than one group can take. */
    overflows: (): boolean => queue.size > maxJobs || weight > maxWeight,
    /** The next group; empty when nobody waits. */
    take(): readonly Waiting<J>[] {
      const group: Waiting<J>[] = [];
      let taken = 0;
      for (const waiting of queue) {
        taken += weightOf(waiting.job);
        if (group.length > 0 && (group.length === maxJobs || taken > maxWeight)) break;
        group.push(waiting);
        remove(waiting);
      }
      return group;
    },
  };
}

/** A signal that aborts when all signals of the group have. */
function untilAllLeave<J>(group: readonly Waiting<J>[]) {
  const everybodyLeft = new AbortController();
  let present = group.length;
  const leave = (event: Event): void => {
    present -= 1;
    if (present === 0 && event.target instanceof AbortSignal) everybodyLeft.abort(event.target.reason);
  };
  for (const { signal } of group) signal.addEventListener("abort", leave, { once: true });
  return {
    signal: everybodyLeft.signal,
    release() {
      for (const { signal } of group) signal.removeEventListener("abort", leave);
    },
  };
}
