// A number of iterations, shared by the virtual users or for each of them, as fast as they go.

import type { Executor } from "../options.ts";
import type { VirtualUser } from "../virtual-user.ts";
import type { ExecutorContext, Running } from "./executor.ts";

type Iterations = Extract<Executor, { readonly iterations: number }>;

export async function runIterations(
  { kind, iterations, maxDurationMs }: Iterations,
  users: readonly VirtualUser[],
  context: ExecutorContext,
  running: Running,
): Promise<void> {
  let shared = iterations;
  const work = async (user: VirtualUser): Promise<void> => {
    let own = iterations;
    const next = (): boolean => (kind === "shared-iterations" ? shared-- > 0 : own-- > 0);
    while (!context.ending.aborted && context.elapsedMs() < maxDurationMs && next())
      await user.iterate(undefined);
  };
  const done = new AbortController();
  void Promise.all(users.map((user) => running.track(work(user)))).then(() => done.abort());
  await context.at(maxDurationMs, done.signal);
}
