// Group commit: jobs that come while a transaction is under way wait and go into the next one together. A job that comes alone
// runs at once; a crowd shares its locks, its round trips and its commit. What is done to a job it does not know.

export interface GroupCommitOptions<J> {
  /** Runs the jobs in one transaction; one outcome for each, in their order. `signal` aborts when nobody waits for any of them. */
  readonly run: (jobs: readonly J[], signal: AbortSignal) => Promise<readonly Outcome[]>;
  /** Groups that run at the same time, each on a connection of its own. */
  readonly lanes: number;
  readonly maxJobs: number;
  /** Of all jobs in a group together; one that is heavier runs alone. */
  readonly maxWeight: number;
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
  // In the order of arrival.
  const queue = new Set<Waiting<J>>();
  let busy = 0;

  const lane = async (): Promise<void> => {
    busy += 1;
    for (let group = take(queue, options); group.length > 0; group = take(queue, options)) {
      const left = untilAllLeave(group);
      const outcomes = await run(
        group.map(({ job }) => job),
        left.signal,
      ).catch((error: unknown) => group.map(() => ({ error })));
      left.release();
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
        if (queue.delete(waiting)) reject(signal.reason);
      };
      const settle = (outcome: Outcome): void => {
        signal.removeEventListener("abort", onAbort);
        if (outcome === undefined) resolve();
        else reject(outcome.error);
      };
      const waiting = { job, signal, settle };
      signal.addEventListener("abort", onAbort, { once: true });
      queue.add(waiting);
      if (busy < lanes) void lane();
    });
}

/** The next group, taken from the queue; empty when nobody waits. */
function take<J>(queue: Set<Waiting<J>>, { maxJobs, maxWeight, weightOf }: GroupCommitOptions<J>) {
  const group: Waiting<J>[] = [];
  let weight = 0;
  for (const waiting of queue) {
    weight += weightOf(waiting.job);
    if (group.length > 0 && (group.length === maxJobs || weight > maxWeight)) break;
    group.push(waiting);
    queue.delete(waiting);
  }
  return group;
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
