// From restarts to the verdict of the whole gate: timing by the sequential rule, counters by their tolerances. Pure.

import { estimateFromRestarts, type RestartEstimate } from "#harness/experiment/restart-estimate.ts";
import { tQuantile } from "#harness/experiment/student-t.ts";
import { defaultRule, judge, type MetricJudgement, type Outcome, type Rule, together } from "./decision.ts";
import type { ArmName } from "./gate-arms.ts";
import type { Look } from "./looks.ts";
import { median } from "./median.ts";
import { type CounterMetric, counterMetrics, type TimingMetric, timingMetrics } from "./metrics.ts";
import type { ArmCounters } from "./read-counters.ts";
import { type BusyPair, type LatencyPair, lnRatios } from "./slice-pairs.ts";

export interface Measured {
  readonly counters: Readonly<Record<ArmName, ArmCounters>>;
  readonly latency: readonly LatencyPair[];
  readonly busy: readonly BusyPair[];
}

export interface TimingVerdict extends MetricJudgement {
  readonly metric: TimingMetric;
}

export interface CounterVerdict {
  readonly metric: CounterMetric;
  readonly outcome: Outcome;
  /** Means over restarts; null where the arm does not tell. */
  readonly base: number | null;
  readonly head: number | null;
  /** Relative change, or a difference of shares; more is worse. */
  readonly change: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface GateVerdict {
  readonly outcome: Outcome;
  readonly timing: readonly TimingVerdict[];
  /** Estimated as the confirmatory ones, never decided by. */
  readonly reported: readonly {
    readonly metric: TimingMetric;
    readonly estimate: RestartEstimate | undefined;
  }[];
  readonly counters: readonly CounterVerdict[];
}

export const confirmatory = timingMetrics.filter((metric) => metric.confirmatory);

export function judgeGate(restarts: readonly Measured[], look: Look, rule: Rule = defaultRule): GateVerdict {
  const ratios = (metric: TimingMetric) => restarts.map((restart) => lnRatios(metric.id, restart));
  const { metrics } = judge(confirmatory.map(ratios), look, rule);
  const timing = confirmatory.flatMap((metric, i): TimingVerdict[] => {
    const judgement = metrics[i];
    return judgement === undefined ? [] : [{ metric, ...judgement }];
  });
  const counters = counterMetrics.map((metric) => judgeCounter(metric, restarts, rule));
  return {
    outcome: together([...timing, ...counters].map(({ outcome }) => outcome)),
    timing,
    reported: timingMetrics
      .filter((metric) => !metric.confirmatory)
      .map((metric) => ({ metric, estimate: estimateFromRestarts(ratios(metric)) })),
    counters,
  };
}

/** What an arm does not tell is not known to be equal. */
function judgeCounter(metric: CounterMetric, restarts: readonly Measured[], rule: Rule): CounterVerdict {
  const values = restarts.map(({ counters }) => ({
    base: counters.base[metric.id],
    head: counters.head[metric.id],
  }));
  const changes = values.flatMap(({ base, head }) =>
    base === null || head === null ? [] : [changeOf(metric, base, head)],
  );
  const base = meanOf(values.map((value) => value.base));
  const head = meanOf(values.map((value) => value.head));
  if (changes.length < 2) {
    return { metric, outcome: "INCONCLUSIVE", base, head, change: null, low: null, high: null };
  }
  const change = median(changes);
  const deviations = changes.map((value) => Math.abs(value - change));
  // The scatter from the median of absolute deviations: one restart disturbed from outside does not widen it.
  const spread = (1.4826 * median(deviations)) / Math.sqrt(changes.length);
  const reach = spread * tQuantile(1 - rule.alpha / counterMetrics.length, changes.length - 1);
  const [low, high] = [change - reach, change + reach];
  const outcome =
    low > 0 && change > metric.tolerance ? "FAIL" : high < metric.tolerance ? "PASS" : "INCONCLUSIVE";
  return { metric, outcome, base, head, change, low, high };
}

function changeOf({ compare, floor = 0 }: CounterMetric, base: number, head: number): number {
  if (compare === "points" || base === head) return head - base;
  return (head - base) / Math.max(base, floor);
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
