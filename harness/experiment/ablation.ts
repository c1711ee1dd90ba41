// The ablation: block after block, each with one fresh cluster for every arm in random order, each measured with every workload under its
// network conditions, in random order. Interrupted, it gives the blocks that are complete.

import type { SeededRandom } from "#harness/random/seeded-random.ts";
import { type CellMeasurement, measureCell } from "./ablation-cell.ts";
import { type AblationArm, ablationArms, ablationMetrics } from "./ablation-design.ts";
import { type AblationPlan, type AblationScenario, keyOf } from "./ablation-plan.ts";
import { type AblationSetup, prepareAblation, type SetupOptions, whileOpen } from "./ablation-setup.ts";
import { type ArmCluster, withArm } from "./arm-cluster.ts";
import type { ClusterWorkload, OpenWorkload } from "./cluster-workload.ts";

export interface AblationCell extends AblationScenario, CellMeasurement {
  readonly block: number;
  readonly cell: number;
}

export interface AblationResult {
  readonly plan: AblationPlan;
  readonly arms: readonly AblationArm[];
  readonly rates: AblationSetup["rates"];
  readonly leftOut: AblationSetup["leftOut"];
  /** Complete ones. */
  readonly blocks: number;
  readonly cells: readonly AblationCell[];
  readonly interrupted: boolean;
  /** What ended it after the complete blocks; undefined when nothing did. */
  readonly failure: string | undefined;
}

export interface AblationOptions extends Omit<SetupOptions, "onStep"> {
  readonly random: SeededRandom;
  /** `leftSeconds`: of the ablation, by the arms that are over; undefined before the first is. */
  readonly onStep: (text: string, done: number, total: number, leftSeconds?: number) => void;
  /** Whether another block, as long as the longest so far, may begin; asked from the second block on. */
  readonly mayStart: (longestSeconds: number) => boolean;
}

/** A slice that does not count is measured again, for whichever arm. */
const attempts = 2;

export async function runAblation(options: AblationOptions): Promise<AblationResult> {
  const { plan, random, signal, mayStart } = options;
  const arms = ablationArms(plan.factors);
  const total = arms.length * plan.blocks;
  const cells: AblationCell[] = [];
  let setup: AblationSetup = { rates: [], leftOut: [], workloads: [] };
  let blocks = 0;
  let longest = 0;
  let failure: string | undefined;
  try {
    const [none] = arms;
    if (none === undefined) throw new RangeError("an ablation needs an arm");
    const onStep = (text: string) => options.onStep(text, 0, total);
    setup = await prepareAblation({ ...options, onStep }, none);
    const measuring = performance.now();
    while (blocks < plan.blocks && (blocks === 0 || mayStart(longest))) {
      const began = performance.now();
      const found: AblationCell[] = [];
      const order = random.fork(`block ${blocks}`);
      for (const [i, arm] of order.shuffled(arms).entries()) {
        signal.throwIfAborted();
        const done = blocks * arms.length + i;
        const spent = (performance.now() - measuring) / 1000;
        const left = done === 0 ? undefined : (spent / done) * (total - done);
        const tell = (what: string) =>
          options.onStep(`block ${blocks + 1}, ${arm.label}: ${what}`, done, total, left);
        found.push(...(await measureArm({ options, setup, arm, block: blocks, random: order, tell })));
      }
      cells.push(...found);
      blocks++;
      longest = Math.max(longest, (performance.now() - began) / 1000);
    }
  } catch (error) {
    if (!signal.aborted && blocks === 0) throw error;
    // Whole blocks are worth keeping, whatever ended the next.
    if (!signal.aborted) failure = error instanceof Error ? error.message : String(error);
  }
  const { rates, leftOut } = setup;
  return { plan, arms, rates, leftOut, blocks, cells, interrupted: signal.aborted, failure };
}

interface ArmTurn {
  readonly options: AblationOptions;
  readonly setup: AblationSetup;
  readonly arm: AblationArm;
  readonly block: number;
  readonly random: SeededRandom;
  readonly tell: (what: string) => void;
}

async function measureArm(turn: ArmTurn): Promise<AblationCell[]> {
  const { options, setup, arm, random, tell } = turn;
  const { plan, signal, startCluster } = options;
  const found: AblationCell[] = [];
  tell("starting");
  await withArm(startCluster, arm, async (under) => {
    for (const workload of random.shuffled(setup.workloads)) {
      signal.throwIfAborted();
      tell(workload.label);
      await whileOpen(under, workload, plan, async (opened, problem) => {
        if (opened === undefined) found.push(...unanswered(turn, workload, problem));
        else found.push(...(await measureWorkload(turn, under, workload, opened)));
      });
    }
  });
  return found;
}

/** An arm that does not answer a workload counts for none of its scenarios. */
function unanswered(
  { options, arm, block }: ArmTurn,
  workload: ClusterWorkload,
  invalid: string,
): AblationCell[] {
  const values = Object.fromEntries(ablationMetrics.map(({ id }) => [id, null])) as AblationCell["values"];
  return options.plan.scenarios
    .filter((one) => one.workload === workload.id)
    .map(({ condition }) => {
      const place = { workload: workload.id, condition, block, cell: arm.cell };
      return { ...place, values, calls: 0, generatorUtilization: 0, invalid };
    });
}

async function measureWorkload(
  { options, setup, arm, block, random }: ArmTurn,
  under: ArmCluster,
  workload: ClusterWorkload,
  opened: OpenWorkload,
): Promise<AblationCell[]> {
  const { plan, signal } = options;
  const found: AblationCell[] = [];
  const mine = plan.scenarios.filter((one) => one.workload === workload.id);
  for (const { condition, atLimit } of random.shuffled(mine)) {
    const scenario = { workload: workload.id, condition };
    const rate = setup.rates.find((one) => keyOf(one) === keyOf(scenario))?.rate;
    if (rate === undefined) throw new RangeError(`no rate was found for ${keyOf(scenario)}`);
    // The same arrivals for every arm of a block.
    const arrivals = () => options.random.fork(`arrivals ${block} ${keyOf(scenario)}`);
    const place = { under, condition, workload, opened, plan, rate, atLimit };
    let measured = await measureCell({ ...place, random: arrivals() });
    for (let again = 1; again < attempts && measured.invalid !== null; again++) {
      signal.throwIfAborted();
      measured = await measureCell({ ...place, random: arrivals() });
    }
    signal.throwIfAborted();
    found.push({ ...scenario, block, cell: arm.cell, ...measured });
  }
  return found;
}
