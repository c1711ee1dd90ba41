// A plan of faults against a shop under load, with a link between it and everyone who calls it. What strikes when is of the seed; what it
// hits is not, since the system runs in real time.

import { setTimeout as sleep } from "node:timers/promises";
import { judge, type Verdict } from "#harness/check/verdict.ts";
import type { Fault, SkippedFault } from "#harness/fault/fault.ts";
import { type FaultPlanOptions, type PlannedFault, planFaults } from "#harness/fault/fault-schedule.ts";
import { type LinkProcess, startLink } from "#harness/fault/link-process.ts";
import { runFaults, type StruckFault } from "#harness/fault/run-faults.ts";
import { seededRandom } from "#harness/random/seeded-random.ts";
import type { Address } from "#harness/sut/start-system.ts";
import { type ChaosOptions, type ChaosRun, type DisturbedParts, dataDirOf, runChaos } from "./chaos-run.ts";
import { reconnecting } from "./reconnecting.ts";
import { type RecoveryProbe, startRecoveryProbe } from "./recovery-probe.ts";
import { type FaultedShop, shopFault } from "./shop-faults.ts";
import { missingFor, openSurroundings } from "./shop-surroundings.ts";

export interface FaultRunOptions extends ChaosOptions {
  /** Names of SHOP_FAULTS, how long, and how often and long they strike. */
  readonly plan: FaultPlanOptions;
}

export interface FaultRun {
  /** In the order of their healing. */
  readonly struck: readonly StruckFault[];
  readonly recoveries: readonly Recovery[];
  /** Of the questions that a probe asked all the time. */
  readonly asked: number;
  readonly answered: number;
  /** What could not be made here. */
  readonly skipped: readonly SkippedFault[];
}

export interface Recovery {
  /** Its name. */
  readonly fault: string;
  /** From when it began to be healed to the first call that succeeded; undefined when none did. */
  readonly ms: number | undefined;
}

/** How long the shop has after the last fault to answer again. A start takes seconds, on a machine that is busy ten. */
const RECOVERY_LIMIT_MS = 60_000;
const RECOVERS = `after each fault the shop answers again, within ${RECOVERY_LIMIT_MS / 1_000} s`;

/** Leaves out the faults that this machine cannot make. Throws RangeError for options that make no plan. */
export async function runFaultPlan(options: FaultRunOptions): Promise<ChaosRun<FaultRun>> {
  const { seed, directory } = options;
  const skipped = await missingFor(options.plan.faults, directory);
  const faults = options.plan.faults.filter((name) => !skipped.some((missing) => missing.name === name));
  const plan = planFaults(seededRandom(seed).fork("faults"), { ...options.plan, faults });
  await using cleanup = new AsyncDisposableStack();
  const dataDir = dataDirOf(directory);
  const struck = plan.map(({ fault }) => fault);
  const surroundings = await openSurroundings(struck, { directory, dataDir, cleanup });
  const { nodeFlags } = surroundings;
  let link: LinkProcess | undefined;
  const run = await runChaos(
    { ...options, nodeFlags, env: { ...surroundings.env, ...options.env } },
    {
      async front(shop: Address) {
        const started = await startLink({ target: shop, profile: { name: "loopback", delayMs: 0 }, seed });
        link = started;
        return { address: started, stop: () => started.stop() };
      },
      async disturb(parts) {
        if (link === undefined) throw new TypeError("faults strike before there is a link");
        return { ...(await play(plan, { ...parts, link, dataDir, surroundings }, options)), skipped };
      },
    },
  );
  return { ...run, verdicts: [...run.verdicts, recovers(run.disturbed)] };
}

function recovers({ recoveries }: FaultRun): Verdict {
  const never = recoveries.filter(({ ms }) => ms === undefined);
  const late = recoveries.filter(({ ms = 0 }) => ms > RECOVERY_LIMIT_MS);
  return judge(RECOVERS, recoveries.length, [
    ...never.map(({ fault }) => `after ${fault} nothing was answered any more`),
    ...late.map(({ fault, ms = 0 }) => `after ${fault} the first answer took ${ms.toFixed(0)} ms`),
  ]);
}

async function play(
  plan: readonly PlannedFault[],
  parts: DisturbedParts & FaultedShop,
  { signal, onStep }: FaultRunOptions,
): Promise<Omit<FaultRun, "skipped">> {
  await using cleanup = new AsyncDisposableStack();
  const connection = cleanup.adopt(reconnecting(parts.address), (open) => open.close());
  const probe = cleanup.adopt(
    startRecoveryProbe((patience) => parts.ask(connection, patience)),
    (open) => open.stop(),
  );
  const recoveries: Promise<Recovery>[] = [];
  const names = [...new Set(plan.map(({ fault }) => fault))];
  const faults = names.map((name) => timed(shopFault(name, parts), probe, recoveries));
  let begun = 0;
  const struck = await runFaults(plan, faults, {
    signal,
    onStep(text) {
      if (text.endsWith("strikes")) begun++;
      onStep(`${text} (${begun} of ${plan.length}), ${parts.orders()} orders sent`);
    },
  });
  signal.throwIfAborted();
  onStep("waiting for the shop to answer");
  await Promise.race([Promise.all(recoveries), sleep(RECOVERY_LIMIT_MS, undefined, { signal, ref: false })]);
  await probe.stop();
  return {
    struck,
    recoveries: await Promise.all(recoveries),
    asked: probe.asked,
    answered: probe.answered,
  };
}

/** The same fault; the time that the shop takes to answer again counts from the beginning of its healing. */
function timed(fault: Fault, probe: RecoveryProbe, recoveries: Promise<Recovery>[]): Fault {
  let on = false;
  return {
    ...fault,
    strike: () => {
      on = true;
      return fault.strike();
    },
    heal: () => {
      if (on) {
        recoveries.push(probe.recovery().then((ms) => ({ fault: fault.name, ms })));
      }
      on = false;
      return fault.heal();
    },
  };
}
