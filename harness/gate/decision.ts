// The rule of the gate, pure: restarts of ln ratios (head to base, more is worse) in, one of three outcomes out. FAIL needs evidence
// that head is worse and a change worth acting on; PASS needs evidence that it is not worse by the margin; the rest is
// INCONCLUSIVE, whatever the estimate says. The restart is the unit of replication.

import { estimateFromRestarts, type RestartEstimate } from "#harness/experiment/restart-estimate.ts";
import { tQuantile, tUpperTail } from "#harness/experiment/student-t.ts";
import { type Look, nominalAlpha } from "./looks.ts";

export type Outcome = "PASS" | "FAIL" | "INCONCLUSIVE";

export interface Rule {
  /** Chance of failing a head that is no worse in any metric: over all metrics and looks together. */
  readonly alpha: number;
  /** Chance of passing a head that is worse by the margin: over all looks. */
  readonly beta: number;
  /** Change that must be excluded to pass, as a share: 0.05 is 5 %. */
  readonly margin: number;
  /** Estimates below it never fail: too small to act on. */
  readonly worthActing: number;
}

export const defaultRule: Rule = Object.freeze({
  alpha: 0.01,
  beta: 0.05,
  margin: 0.05,
  worthActing: 0.025,
});

export interface MetricJudgement {
  readonly outcome: Outcome;
  /** In natural logarithms; undefined with fewer than two restarts that have a slice. */
  readonly estimate: RestartEstimate | undefined;
  /** One-sided bounds at the error rates of this look, in logarithms. */
  readonly low: number | null;
  readonly high: number | null;
  /** One-sided p-value of "head is no worse". */
  readonly p: number;
  /** Smallest change, as a share, that this run would have called worse with probability 1 - beta; null when unknown. */
  readonly detectable: number | null;
}

export interface Judgement {
  readonly outcome: Outcome;
  /** In the order given. */
  readonly metrics: readonly MetricJudgement[];
}

/** `metrics[m][j][k]` is the ln ratio of slice k in restart j for confirmatory metric m. */
export function judge(
  metrics: readonly (readonly (readonly number[])[])[],
  look: Look,
  rule: Rule = defaultRule,
): Judgement {
  const estimates = metrics.map((restarts) => estimateFromRestarts(restarts));
  const ps = estimates.map(upperTailP);
  const worse = holmStepDown(ps, (alpha) => nominalAlpha(alpha, look), rule.alpha);
  const judged = estimates.map((estimate, m): MetricJudgement => {
    const seen = worse[m] ?? { rejected: false, alpha: rule.alpha };
    const p = ps[m] ?? 1;
    if (estimate === undefined) {
      return { outcome: "INCONCLUSIVE", estimate, low: null, high: null, p, detectable: null };
    }
    const degrees = estimate.restarts - 1;
    const reach = (alpha: number) => tQuantile(1 - alpha, degrees) * estimate.standardError;
    const first = nominalAlpha(rule.alpha / metrics.length, look);
    const high = estimate.estimate + reach(nominalAlpha(rule.beta, look));
    return {
      outcome: outcomeOf(seen.rejected, estimate.estimate, high, rule),
      estimate,
      low: estimate.estimate - reach(nominalAlpha(seen.alpha, look)),
      high,
      p,
      detectable: Math.expm1(reach(first) + reach(rule.beta)),
    };
  });
  return { outcome: together(judged.map(({ outcome }) => outcome)), metrics: judged };
}

/** One failure fails all; all must pass to pass. Of nothing nothing is known. */
export function together(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.includes("FAIL")) return "FAIL";
  return outcomes.length > 0 && outcomes.every((outcome) => outcome === "PASS") ? "PASS" : "INCONCLUSIVE";
}

function outcomeOf(rejected: boolean, estimate: number, high: number, rule: Rule): Outcome {
  if (rejected && estimate >= Math.log1p(rule.worthActing)) return "FAIL";
  return high < Math.log1p(rule.margin) ? "PASS" : "INCONCLUSIVE";
}

function upperTailP(estimate: RestartEstimate | undefined): number {
  if (estimate === undefined) return 1;
  if (estimate.standardError === 0) return estimate.estimate > 0 ? 0 : 1;
  return tUpperTail(estimate.estimate / estimate.standardError, estimate.restarts - 1);
}

/** Holm's steps, each against its boundary at this look. `alpha` is the level at which a metric was tested. */
function holmStepDown(
  ps: readonly number[],
  boundary: (alpha: number) => number,
  alpha: number,
): { readonly rejected: boolean; readonly alpha: number }[] {
  const result = ps.map(() => ({ rejected: false, alpha }));
  let going = true;
  let level = alpha;
  for (const [rank, { p, index }] of ps
    .map((p, index) => ({ p, index }))
    .sort((x, y) => x.p - y.p)
    .entries()) {
    if (going) level = alpha / (ps.length - rank);
    going = going && p <= boundary(level);
    result[index] = { rejected: going, alpha: level };
  }
  return result;
}
