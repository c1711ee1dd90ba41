// From the cells of an ablation to its effects: every main effect and every interaction on every metric, with one correction for all of them.

import type { AblationCell, AblationResult } from "./ablation.ts";
import { type AblationFactorId, type AblationMetricId, ablationMetrics } from "./ablation-design.ts";
import { type AblationScenario, keyOf } from "./ablation-plan.ts";
import { analyseBlocks, type BlockContrast, orderOf } from "./block-contrasts.ts";
import { holmRejections } from "./holm.ts";
import { mean } from "./trimmed-mean.ts";

export interface AblationEffect extends AblationScenario {
  readonly metric: AblationMetricId;
  /** One for a main effect, more for an interaction. */
  readonly factors: readonly AblationFactorId[];
  /** In natural logarithms; undefined when fewer than two blocks are complete. */
  readonly contrast: BlockContrast | undefined;
  readonly blocks: number;
  readonly degrees: number;
  /** Standard deviation of one cell in one block, in logarithms. */
  readonly deviation: number;
  /** Among the main effects and the interactions of two, after Holm. Interactions of more are shown and not judged. */
  readonly afterCorrection: boolean;
}

export interface AblationLevel extends AblationScenario {
  readonly metric: AblationMetricId;
  readonly cell: number;
  /** Geometric mean over the blocks that count. */
  readonly value: number | null;
}

export function analyseAblation(result: AblationResult, confidence: number): AblationEffect[] {
  const { plan, cells, arms } = result;
  const effects = scenariosOf(cells).flatMap((scenario) =>
    ablationMetrics.flatMap(({ id: metric }) => {
      const analysis = analyseBlocks(completeBlocks(cells, scenario, metric, arms.length), confidence);
      return Array.from({ length: arms.length - 1 }, (_, i) => i + 1).map(
        (mask): AblationEffect => ({
          ...scenario,
          metric,
          factors: plan.factors.filter((_factor, bit) => (mask >> bit) & 1),
          contrast: analysis?.contrasts.find((one) => one.mask === mask),
          blocks: analysis?.blocks ?? 0,
          degrees: analysis?.degrees ?? 0,
          deviation: analysis?.deviation ?? 0,
          afterCorrection: false,
        }),
      );
    }),
  );
  const family = effects.filter(({ contrast }) => contrast !== undefined && orderOf(contrast.mask) <= 2);
  const rejected = holmRejections(
    family.map(({ contrast }) => contrast?.p ?? 1),
    1 - confidence,
  );
  const held = new Set(family.filter((_, i) => rejected[i]));
  return effects
    .map((effect) => (held.has(effect) ? { ...effect, afterCorrection: true } : effect))
    .sort((a, b) => a.factors.length - b.factors.length);
}

export function ablationLevels({ cells, arms }: AblationResult): AblationLevel[] {
  return scenariosOf(cells).flatMap((scenario) =>
    ablationMetrics.flatMap(({ id: metric }) => {
      const blocks = completeBlocks(cells, scenario, metric, arms.length);
      return arms.map(({ cell }) => ({
        ...scenario,
        metric,
        cell,
        value: blocks.length === 0 ? null : Math.exp(mean(blocks.map((block) => block[cell] ?? Number.NaN))),
      }));
    }),
  );
}

/** ln values by cell, of the blocks in which every cell counts: a block with a gap is left out for every arm alike. */
function completeBlocks(
  cells: readonly AblationCell[],
  scenario: AblationScenario,
  metric: AblationMetricId,
  arms: number,
): number[][] {
  const mine = cells.filter((cell) => keyOf(cell) === keyOf(scenario));
  return [...Map.groupBy(mine, ({ block }) => block).values()].flatMap((block) => {
    const values = Array.from({ length: arms }, (_, cell) => {
      const found = block.find((one) => one.cell === cell);
      const value = found === undefined || found.invalid !== null ? null : found.values[metric];
      return value !== null && value > 0 ? Math.log(value) : Number.NaN;
    });
    return values.every(Number.isFinite) ? [values] : [];
  });
}

function scenariosOf(cells: readonly AblationCell[]): AblationScenario[] {
  return [
    ...new Map(
      cells.map(({ workload, condition }) => [keyOf({ workload, condition }), { workload, condition }]),
    ).values(),
  ];
}
