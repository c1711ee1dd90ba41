// One scenario from its start time to its end: makes its users ready, lets its executor run, and gives what still runs its grace.

import { runArrivalRate } from "./executors/arrival-rate.ts";
import { type ExecutorContext, Running } from "./executors/executor.ts";
import { runIterations } from "./executors/iterations.ts";
import { runConstantVus, runRampingVus } from "./executors/looping-vus.ts";
import type { Executor, Scenario } from "./options.ts";
import type { VirtualUser } from "./virtual-user.ts";
import type { ScenarioState } from "./vu-context.ts";

export interface ScenarioRun {
  readonly scenario: Scenario;
  readonly state: ScenarioState;
  /** Makes a further user. */
  readonly initialize: () => Promise<VirtualUser>;
  readonly dropped: () => void;
  /** Nothing new is begun, and what runs gets no grace. */
  readonly ending: AbortSignal;
}

/** Users that are made ready before the run begins. */
export function plannedUsers(executor: Executor): number {
  switch (executor.kind) {
    case "ramping-vus":
      return Math.max(executor.startVUs, ...executor.stages.map(({ target }) => target));
    case "constant-arrival-rate":
    case "ramping-arrival-rate":
      return executor.preAllocatedVUs;
    default:
      return executor.vus;
  }
}

/** Of a scenario as planned, without its grace; for iterations the most it may take. */
export function plannedMs(executor: Executor): number {
  if ("stages" in executor) return executor.stages.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return "durationMs" in executor ? executor.durationMs : executor.maxDurationMs;
}

export async function runScenario(run: ScenarioRun, users: VirtualUser[]): Promise<void> {
  const { scenario, ending } = run;
  const startedAt = performance.now();
  const all = new Set(users);
  const running = new Running();
  const context: ExecutorContext = {
    ending,
    dropped: run.dropped,
    elapsedMs: () => performance.now() - startedAt,
    at: (ms, stop) =>
      sleepUntil(startedAt + ms, stop === undefined ? ending : AbortSignal.any([ending, stop])),
    async initialize() {
      const user = await run.initialize();
      all.add(user);
      return user;
    },
  };
  await execute(scenario.executor, users, context, running);
  await grace(running, scenario.gracefulStopMs, ending);
  for (const user of all) user.close();
  await settled(running);
}

function execute(
  executor: Executor,
  users: VirtualUser[],
  context: ExecutorContext,
  running: Running,
): Promise<void> {
  switch (executor.kind) {
    case "constant-vus":
      return runConstantVus(executor, users, context, running);
    case "ramping-vus":
      return runRampingVus(executor, users, context, running);
    case "per-vu-iterations":
    case "shared-iterations":
      return runIterations(executor, users, context, running);
    default:
      return runArrivalRate(executor, users, context, running);
  }
}

async function settled(running: Running): Promise<void> {
  while (running.size > 0) await Promise.allSettled(running);
}

/** Waits until nothing runs, for a time. */
async function grace(running: Running, ms: number, ending: AbortSignal): Promise<void> {
  const done = new AbortController();
  void settled(running).then(() => done.abort());
  await sleepUntil(performance.now() + ms, AbortSignal.any([ending, done.signal]));
}

/** Up to a millisecond late, as timers are; arrivals know by how much, and count it. */
async function sleepUntil(time: number, signal: AbortSignal): Promise<void> {
  for (let left = time - performance.now(); left > 0 && !signal.aborted; left = time - performance.now()) {
    await pause(Math.ceil(left), signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
