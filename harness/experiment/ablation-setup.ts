// What an ablation must know before its first block: which workloads the system answers, and at what rate each scenario's open loop goes. The
// arm without any factor says so; it is not measured again, and its rate is the same for every arm.

import { noStatus } from "#harness/load/driver.ts";
import { closedLoop } from "./ablation-cell.ts";
import type { AblationArm } from "./ablation-design.ts";
import { type AblationPlan, type AblationScenario, sliceLengths } from "./ablation-plan.ts";
import { type ArmCluster, withArm } from "./arm-cluster.ts";
import type { CallDriver } from "./call-driver.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterWorkload, ClusterWorkloadId, OpenWorkload } from "./cluster-workload.ts";

export interface AblationSetup {
  /** Calls a second of the open loops, by scenario. */
  readonly rates: readonly (AblationScenario & { readonly rate: number })[];
  readonly leftOut: readonly { readonly workload: ClusterWorkloadId; readonly reason: string }[];
  readonly workloads: readonly ClusterWorkload[];
}

export interface SetupOptions {
  readonly plan: AblationPlan;
  readonly workloads: readonly ClusterWorkload[];
  readonly startCluster: (arm: AblationArm) => Promise<Cluster>;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Of the capacity of the arm without any factor: far enough from saturation for latency to be stable. */
const openLoad = 0.4;
const lowestRate = 1;
const probes = 3;
const probeMs = 10_000;

export async function prepareAblation(options: SetupOptions, arm: AblationArm): Promise<AblationSetup> {
  const { plan, onStep, signal } = options;
  const wanted = options.workloads.filter(({ id }) => plan.scenarios.some(({ workload }) => workload === id));
  const leftOut: AblationSetup["leftOut"][number][] = [];
  const rates: AblationSetup["rates"][number][] = [];
  await withArm(options.startCluster, arm, async (under) => {
    for (const workload of wanted) {
      signal.throwIfAborted();
      onStep(`finding the rates of ${workload.label}`);
      await whileOpen(under, workload, plan, async (opened, problem) => {
        if (opened === undefined) leftOut.push({ workload: workload.id, reason: problem });
        else rates.push(...(await ratesOf(options, under, workload, opened)));
      });
    }
  });
  const workloads = wanted.filter(({ id }) => !leftOut.some(({ workload }) => workload === id));
  return { leftOut, workloads, rates };
}

async function ratesOf(
  { plan, signal }: SetupOptions,
  under: ArmCluster,
  workload: ClusterWorkload,
  opened: OpenWorkload,
): Promise<AblationSetup["rates"][number][]> {
  const rates: AblationSetup["rates"][number][] = [];
  for (const { condition } of plan.scenarios.filter((one) => one.workload === workload.id)) {
    signal.throwIfAborted();
    const loop = { workload, opened, condition, firstIndex: 0, ...sliceLengths(plan, workload, condition) };
    const { slice } = await closedLoop(under.driver(condition), loop);
    const capacity = slice.completed / (slice.durationMs / 1000);
    rates.push({ workload: workload.id, condition, rate: Math.max(lowestRate, openLoad * capacity) });
  }
  return rates;
}

/** Opens a workload on an arm, warms it, and closes it after `use`, which hears of the problem when the system does not answer it. */
export async function whileOpen(
  under: ArmCluster,
  workload: ClusterWorkload,
  plan: AblationPlan,
  use: (opened: OpenWorkload | undefined, problem: string) => Promise<void>,
): Promise<void> {
  const home = under.driver(homeOf(plan, workload));
  let opened: OpenWorkload;
  try {
    opened = await workload.open(home.connections);
  } catch (error) {
    return use(undefined, error instanceof Error ? error.message : String(error));
  }
  try {
    const problem = await probe(home, opened);
    if (problem !== undefined) return await use(undefined, problem);
    const condition = homeOf(plan, workload);
    const lengths = sliceLengths(plan, workload, condition);
    const loop = { workload, opened, condition, firstIndex: 0, ...lengths, throughputMs: plan.warmUpMs };
    await closedLoop(home, loop);
    await use(opened, "");
  } finally {
    opened.close();
  }
}

/** The nearest condition under which it is measured. */
function homeOf(plan: AblationPlan, workload: ClusterWorkload) {
  const planned = plan.scenarios.find((one) => one.workload === workload.id);
  if (planned === undefined) throw new RangeError(`no scenario has the workload ${workload.id}`);
  return planned.condition;
}

/** Undefined when calls are answered with OK; the first ones may find connections that are only being made. */
async function probe(driver: CallDriver, opened: OpenWorkload): Promise<string | undefined> {
  let status = noStatus;
  for (let attempt = 0; attempt < probes; attempt++) {
    const answered = Promise.withResolvers<number>();
    driver.send(opened.call(attempt), answered.resolve);
    const timer = setTimeout(() => answered.resolve(noStatus), probeMs);
    status = await answered.promise;
    clearTimeout(timer);
    if (status === 0) return undefined;
  }
  return status === noStatus
    ? `no call was answered within ${probeMs / 1000} s`
    : `the system answers with gRPC status ${status}`;
}
