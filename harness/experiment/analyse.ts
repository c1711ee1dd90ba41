// From slices to effects and levels. Rounds pair the arms, restarts replicate them: contrasts are taken inside a round on
// ln values, trimmed within a restart, and judged between restarts. A round with an invalid or missing slice is left out
// for every arm alike.

import { type Arm, arms, type FactorId, factors } from "./arms.ts";
import { contrast } from "./factorial.ts";
import { holmRejections } from "./holm.ts";
import { type Metric, metrics } from "./metrics.ts";
import { estimateFromRestarts, type RestartEstimate } from "./restart-estimate.ts";
import type { Scenario, SliceRecord } from "./slice-record.ts";

export interface Effect extends Scenario {
  readonly metric: Metric;
  readonly factor: FactorId | "interaction";
  /** The level of the other factor, where this is the effect at one level only; undefined for the average over both. */
  readonly given: { readonly factor: FactorId; readonly on: boolean } | undefined;
  /** In natural logarithms; undefined when there are too few valid restarts. */
  readonly estimate: RestartEstimate | undefined;
  /** Still seen when all averaged effects and interactions of the run are corrected for their number (Holm). */
  readonly afterCorrection: boolean;
}

export interface Level extends Scenario {
  readonly metric: Metric;
  readonly arm: Arm;
  /** Over restart means; undefined when fewer than two restarts have a value. */
  readonly estimate: RestartEstimate | undefined;
}

/** Arithmetic on the scale given: `values[restart][round]`. */
type Nested = number[][];

export function analyseEffects(slices: readonly SliceRecord[], confidence: number): Effect[] {
  const effects = scenariosOf(slices).flatMap((scenario) =>
    metrics
      .filter((metric) => metric.effectOn.includes(scenario.link))
      .flatMap((metric) => effectsOf(slices, scenario, metric, confidence)),
  );
  return corrected(effects, 1 - confidence);
}

export function analyseLevels(slices: readonly SliceRecord[], confidence: number): Level[] {
  return scenariosOf(slices).flatMap((scenario) =>
    metrics.flatMap((metric) =>
      arms.map((arm) => {
        const nested = byRestart(
          completeRounds(slices, scenario, metric.phase),
          (round) => round[arm.cell]?.values[metric.id] ?? undefined,
        );
        return { ...scenario, metric, arm, estimate: estimateFromRestarts(nested, { confidence }) };
      }),
    ),
  );
}

export function scenariosOf(slices: readonly SliceRecord[]): Scenario[] {
  const seen = new Map(slices.map(({ workload, link }) => [`${workload}/${link}`, { workload, link }]));
  return [...seen.values()];
}

function effectsOf(
  slices: readonly SliceRecord[],
  scenario: Scenario,
  metric: Metric,
  confidence: number,
): Effect[] {
  const rounds = completeRounds(slices, scenario, metric.phase);
  const estimateOf = (of: (cells: number[]) => number) => {
    const nested = byRestart(rounds, (round) => {
      const cells = lnCells(round, metric);
      return cells && of(cells);
    });
    return estimateFromRestarts(nested, { confidence });
  };
  const one = (
    factor: Effect["factor"],
    given: Effect["given"],
    of: (cells: number[]) => number,
  ): Effect => ({
    ...scenario,
    metric,
    factor,
    given,
    estimate: estimateOf(of),
    afterCorrection: false,
  });
  const mains = factors.map((factor, bit) => one(factor.id, undefined, (cells) => contrast(cells, 1 << bit)));
  const interaction = one("interaction", undefined, (cells) => contrast(cells, 2 ** factors.length - 1));
  const simple = factors.flatMap((factor, bit) =>
    factors.flatMap((other, otherBit) =>
      other === factor
        ? []
        : [false, true].map((on) =>
            one(factor.id, { factor: other.id, on }, (cells) => {
              const base = on ? 1 << otherBit : 0;
              return (cells[base | (1 << bit)] ?? Number.NaN) - (cells[base] ?? Number.NaN);
            }),
          ),
    ),
  );
  return [...mains, interaction, ...simple];
}

function corrected(effects: Effect[], alpha: number): Effect[] {
  const family = effects.filter((effect) => effect.given === undefined && effect.estimate !== undefined);
  const rejections = holmRejections(
    family.map((effect) => effect.estimate?.p ?? 1),
    alpha,
  );
  const seen = new Set(family.filter((_, i) => rejections[i]));
  return effects.map((effect) => (seen.has(effect) ? { ...effect, afterCorrection: true } : effect));
}

/** Rounds in which every arm has exactly one slice that counts; each as [arm 0, arm 1, ...]. */
export function completeRounds(
  slices: readonly SliceRecord[],
  scenario: Scenario,
  phase: SliceRecord["phase"],
): SliceRecord[][] {
  const groups = Map.groupBy(
    slices.filter((s) => s.workload === scenario.workload && s.link === scenario.link && s.phase === phase),
    (slice) => `${slice.restart}/${slice.round}`,
  );
  return [...groups.values()].flatMap((group) => {
    if (group.some((slice) => slice.invalid !== null)) return [];
    const cells = arms.map((arm) => group.find((slice) => slice.arm === arm.id));
    const complete = cells.filter((cell) => cell !== undefined);
    return complete.length === arms.length ? [complete] : [];
  });
}

function byRestart(rounds: SliceRecord[][], of: (round: SliceRecord[]) => number | undefined): Nested {
  const restarts = Map.groupBy(rounds, (round) => round[0]?.restart ?? -1);
  return [...restarts.values()].map((group) => group.map(of).filter((value) => value !== undefined));
}

/** Undefined where a value is missing or not positive: it has no logarithm. */
function lnCells(round: readonly SliceRecord[], metric: Metric): number[] | undefined {
  const values = round.map((slice) => slice.values[metric.id]);
  const positive = values.filter((value) => value !== null && value > 0);
  return positive.length === values.length ? values.map((value) => Math.log(value ?? Number.NaN)) : undefined;
}
