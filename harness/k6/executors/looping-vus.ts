// Closed model: each virtual user begins its next iteration when its last one is over, for a time.

import type { Executor, Stage } from "../options.ts";
import type { VirtualUser } from "../virtual-user.ts";
import type { ExecutorContext, Running } from "./executor.ts";

type ConstantVus = Extract<Executor, { readonly kind: "constant-vus" }>;
type RampingVus = Extract<Executor, { readonly kind: "ramping-vus" }>;

export async function runConstantVus(
  { durationMs }: ConstantVus,
  users: readonly VirtualUser[],
  context: ExecutorContext,
  running: Running,
): Promise<void> {
  const going = (): boolean => !context.ending.aborted && context.elapsedMs() < durationMs;
  for (const user of users) void running.track(loop(user, going));
  await context.at(durationMs);
}

/** Users start and stop one by one, so that their number follows the line between the stages' targets. */
export async function runRampingVus(
  { startVUs, stages, gracefulRampDownMs }: RampingVus,
  users: readonly VirtualUser[],
  context: ExecutorContext,
  running: Running,
): Promise<void> {
  const over = new Set<VirtualUser>();
  const lives: Promise<void>[] = [];
  let active = 0;
  const setActive = (target: number): void => {
    for (; active < target; active++) {
      const user = users[active];
      if (user === undefined) return;
      over.delete(user);
      const before = lives[active] ?? Promise.resolve();
      const live = async (): Promise<void> => {
        // One that was stopped and is wanted again first ends what it was about.
        await before;
        user.revive();
        await loop(user, () => !context.ending.aborted && !over.has(user));
      };
      lives[active] = running.track(live());
    }
    for (; active > target; active--) {
      const user = users[active - 1];
      if (user === undefined) return;
      over.add(user);
      interruptLater(user, over, gracefulRampDownMs);
    }
  };
  setActive(startVUs);
  for (const { atMs, vus } of rampSteps(startVUs, stages)) {
    await context.at(atMs);
    if (context.ending.aborted) return;
    setActive(vus);
  }
  // The scenario's grace is for those who are active at its end.
  for (const user of users) over.add(user);
}

/** Every change of the number of users, with its time; the last is the end of the last stage. */
export function rampSteps(startVUs: number, stages: readonly Stage[]): { atMs: number; vus: number }[] {
  const steps: { atMs: number; vus: number }[] = [];
  let from = startVUs;
  let stageStart = 0;
  for (const { durationMs, target } of stages) {
    const change = Math.abs(target - from);
    for (let i = 1; i <= change; i++) {
      steps.push({ atMs: stageStart + (durationMs * i) / change, vus: from + Math.sign(target - from) * i });
    }
    stageStart += durationMs;
    from = target;
  }
  steps.push({ atMs: stageStart, vus: from });
  return steps;
}

function interruptLater(user: VirtualUser, over: ReadonlySet<VirtualUser>, graceMs: number): void {
  const interrupt = (): void => {
    if (over.has(user)) user.interrupt();
  };
  setTimeout(interrupt, graceMs).unref();
}

async function loop(user: VirtualUser, going: () => boolean): Promise<void> {
  while (going()) await user.iterate(undefined);
}
