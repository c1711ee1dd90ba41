// Kills at random points under a running load of orders. The schedule is of the seed; what the kills hit is not, since the system runs in
// real time.

import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { type ChaosOptions, type ChaosRun, runChaos } from "./chaos-run.ts";
import type { KillTarget } from "./shop-under-kill.ts";

export interface KillRunOptions extends Omit<ChaosOptions, "onStep"> {
  /** What is killed, in turn. */
  readonly targets: readonly KillTarget[];
  readonly kills: number;
  /** The longest time without a kill; the shortest is 100 ms. Default 1500. */
  readonly longestPeaceMs?: number;
  readonly onStep: (text: string, done: number) => void;
}

export interface KillRun extends ChaosRun<unknown> {
  /** From each kill to the first answer after it. */
  readonly recoveryMs: readonly number[];
}

const LONGEST_PEACE_MS = 1_500;
const SHORTEST_PEACE_MS = 100;

export async function runKills(options: KillRunOptions): Promise<KillRun> {
  const { targets, kills, onStep, signal, longestPeaceMs = LONGEST_PEACE_MS } = options;
  const schedule = seededRandom(options.seed).fork("kills");
  const recoveryMs: number[] = [];
  const run = await runChaos(
    { ...options, onStep: (text) => onStep(text, recoveryMs.length) },
    {
      async disturb({ shop, orders }) {
        while (recoveryMs.length < kills) {
          const peaceMs = SHORTEST_PEACE_MS + schedule.next() * (longestPeaceMs - SHORTEST_PEACE_MS);
          await sleep(peaceMs, undefined, { signal });
          const target = targets[recoveryMs.length % targets.length] ?? "shop";
          recoveryMs.push(await shop.kill(target));
          onStep(`${target} killed, ${orders()} orders sent`, recoveryMs.length);
        }
      },
    },
  );
  return { ...run, recoveryMs };
}
