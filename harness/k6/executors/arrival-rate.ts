// Open model: iterations begin by the clock, whatever the system does. Nobody free means that the iteration is dropped, and counted;
// one more user is then made ready, up to the most.

import type { Executor } from "../options.ts";
import { arrivalTimes } from "../rate-plan.ts";
import type { VirtualUser } from "../virtual-user.ts";
import type { ExecutorContext, Running } from "./executor.ts";

type ArrivalRate = Extract<Executor, { readonly preAllocatedVUs: number }>;

export async function runArrivalRate(
  options: ArrivalRate,
  free: VirtualUser[],
  context: ExecutorContext,
  running: Running,
): Promise<void> {
  const { preAllocatedVUs, maxVUs } = options;
  let ready = preAllocatedVUs;
  let making = false;
  const makeOneMore = async (): Promise<void> => {
    making = true;
    ready++;
    free.push(await context.initialize());
    making = false;
  };
  const run = async (user: VirtualUser, lateMs: number): Promise<void> => {
    await user.iterate(lateMs);
    free.push(user);
  };
  const plan = { ...options, constant: options.kind === "constant-arrival-rate" };
  for (const dueMs of arrivalTimes(plan)) {
    await context.at(dueMs);
    if (context.ending.aborted) return;
    const user = free.pop();
    if (user !== undefined) {
      void running.track(run(user, Math.max(0, context.elapsedMs() - dueMs)));
      continue;
    }
    context.dropped();
    if (!making && ready < maxVUs) void running.track(makeOneMore());
  }
  await context.at(options.stages.reduce((sum, { durationMs }) => sum + durationMs, 0));
}
