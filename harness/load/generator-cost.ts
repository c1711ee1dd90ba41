// What a call costs the generator itself, for several drivers turn by turn in one run against one target, so that all meet the
// same machine. Only the ratio means anything on a shared one.

import { runClosedLoop } from "./closed-loop.ts";
import type { Arm } from "./driver.ts";
import { type LoadClock, systemClock } from "./load-clock.ts";
import { mergeSlices } from "./slice.ts";

/** A turn with its request type closed over, so that drivers of different requests can be compared. */
export interface GeneratorCandidate {
  readonly name: string;
  readonly turn: (options: GeneratorTurn) => Promise<{ readonly calls: number; readonly cpuMicros: number }>;
}

export interface GeneratorTurn {
  readonly concurrency: number;
  readonly durationMs: number;
  readonly clock: LoadClock;
}

export interface GeneratorCostOptions {
  /** The first is what the others are set against. */
  readonly candidates: readonly GeneratorCandidate[];
  /** Default 64. */
  readonly concurrency?: number;
  /** Default 500. */
  readonly turnMs?: number;
  /** Turns of each that count, after one that does not. Default 3. */
  readonly rounds?: number;
  readonly clock?: LoadClock;
}

export interface GeneratorCostShare {
  readonly name: string;
  readonly calls: number;
  /** Median over the turns; NaN when no call ended in any. */
  readonly cpuMicrosPerCall: number;
  /** Its cost divided into the first candidate's: 0.1 says that the first costs a tenth of this one. */
  readonly firstRelativeToThis: number;
}

export function generatorCandidate<Request>(arm: Arm<Request>): GeneratorCandidate {
  return {
    name: arm.name,
    turn: async (options) => {
      const { arms } = await runClosedLoop({ arm, ...options });
      const all = mergeSlices(arms.flatMap(({ slices }) => slices));
      if (all.failed + all.unknown > 0) {
        throw new Error(`${all.failed + all.unknown} of ${all.intended} calls of ${arm.name} were not OK`);
      }
      return { calls: all.completed, cpuMicros: all.generatorCpuMicros };
    },
  };
}

/** Rejects when a call does not end in OK: the cost of failing is another one. */
export async function measureGeneratorCost(options: GeneratorCostOptions): Promise<GeneratorCostShare[]> {
  const { candidates, concurrency = 64, turnMs = 500, rounds = 3, clock = systemClock } = options;
  const turns = candidates.map(() => emptyTurns());
  for (let round = 0; round <= rounds; round++) {
    for (const [index, candidate] of candidates.entries()) {
      const { calls, cpuMicros } = await candidate.turn({ concurrency, durationMs: turnMs, clock });
      const turn = turns[index];
      // A turn in which a starved machine let nothing finish has no cost per call.
      if (round === 0 || calls === 0 || turn === undefined) continue;
      turn.calls += calls;
      turn.costs.push(cpuMicros / calls);
    }
  }
  const first = median(turns[0]?.costs ?? []);
  return candidates.map(({ name }, index) => {
    const cpuMicrosPerCall = median(turns[index]?.costs ?? []);
    return {
      name,
      calls: turns[index]?.calls ?? 0,
      cpuMicrosPerCall,
      firstRelativeToThis: first / cpuMicrosPerCall,
    };
  });
}

function emptyTurns(): { calls: number; costs: number[] } {
  return { calls: 0, costs: [] };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}
