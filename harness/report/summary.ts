// What the run found, in words, from the effect records alone: for each optimization and scenario what it saves, what it
// costs and where nothing was seen.

import { factors } from "#harness/experiment/arms.ts";
import { change, detectable, factorLabel, interval, metricOf, scenarioLabel } from "./phrases.ts";
import type { EffectRecord, ReportRecord } from "./report-record.ts";

export interface Finding {
  /** "Response compression on 16 kB search pages over loopback". */
  readonly subject: string;
  readonly outcome: "saves" | "costs" | "saves and costs" | "no effect" | "no effect seen" | "not known";
  /** Such as "saves: server CPU per call ÷2.4 (÷2.6 to ÷2.2)". */
  readonly clauses: readonly {
    readonly kind: "saves" | "costs" | "no effect" | "no effect seen" | "not known";
    readonly text: string;
  }[];
}

export function findings(record: ReportRecord): Finding[] {
  return factors.flatMap((factor) =>
    record.design.scenarios.map((scenario) => {
      const effects = record.effects.filter(
        (effect) =>
          effect.factor === factor.id &&
          effect.given === null &&
          effect.workload === scenario.workload &&
          effect.link === scenario.link,
      );
      return { subject: `${factor.label} on ${scenarioLabel(scenario)}`, ...judge(effects) };
    }),
  );
}

/** Interactions that hold after correction: where the two optimizations are not independent. */
export function interactionSentences(record: ReportRecord): string[] {
  return record.effects
    .filter((effect) => effect.factor === "interaction" && effect.afterCorrection)
    .map(
      (effect) =>
        `On ${scenarioLabel(effect)}, ${metricOf(effect.metric).label} with both is ${change(effect.ratio ?? 1)} (${interval(effect)}) against what the two effects multiply to.`,
    );
}

function judge(effects: readonly EffectRecord[]): Omit<Finding, "subject"> {
  const better = effects.filter((effect) => effect.verdict === "better");
  const worse = effects.filter((effect) => effect.verdict === "worse");
  const none = effects.filter((effect) => effect.verdict === "negligible");
  const unseen = effects.filter((effect) => effect.verdict === "none seen");
  const unknown = effects.filter((effect) => effect.verdict === "unknown");
  const sized = (list: readonly EffectRecord[]) =>
    list
      .map((e) => `${metricOf(e.metric).label} ${change(e.ratio ?? 1)} (${interval(e)}${mark(e)})`)
      .join(", ");
  const clauses: Finding["clauses"] = [
    { kind: "saves" as const, list: better, text: sized(better) },
    { kind: "costs" as const, list: worse, text: sized(worse) },
    {
      kind: "no effect" as const,
      list: none,
      text: `${none.map((e) => metricOf(e.metric).label).join(", ")} (within 1 %)`,
    },
    {
      kind: "no effect seen" as const,
      list: unseen,
      text: unseen
        .map((e) => `${metricOf(e.metric).label} (smallest detectable ${detectable(e)})`)
        .join(", "),
    },
    {
      kind: "not known" as const,
      list: unknown,
      text: `${unknown.map((e) => metricOf(e.metric).label).join(", ")} (too few valid restarts, or too few calls in a slice)`,
    },
  ].flatMap(({ kind, list, text }) => (list.length > 0 ? [{ kind, text }] : []));
  return { outcome: outcomeOf(better.length, worse.length, unseen.length, none.length), clauses };
}

function outcomeOf(better: number, worse: number, unseen: number, none: number): Finding["outcome"] {
  if (better > 0 && worse > 0) return "saves and costs";
  if (better > 0) return "saves";
  if (worse > 0) return "costs";
  if (unseen > 0) return "no effect seen";
  return none > 0 ? "no effect" : "not known";
}

/** An effect whose interval excludes 1, but which may be chance among so many comparisons. */
function mark(effect: EffectRecord): string {
  return effect.afterCorrection ? "" : "; uncorrected";
}

/** What a clause begins with: throughput is not saved, so the clauses say which way a number went. */
export const clauseLabel = Object.freeze({
  saves: "better",
  costs: "worse",
  "no effect": "no effect",
  "no effect seen": "no effect seen",
  "not known": "not known",
});

export function comparisonNote(record: ReportRecord): string {
  const family = record.effects.filter((effect) => effect.given === null && effect.ratio !== null);
  const held = family.filter((effect) => effect.afterCorrection).length;
  const percent = record.design.confidence * 100;
  return `Intervals are ${percent} % each, over ${record.restarts.length} restarts. Of ${family.length} comparisons ${held} hold after Holm's correction for their number; those marked "uncorrected" exclude no effect by their own interval only.`;
}

export function headingOf(record: ReportRecord): string {
  return `What ${factors.map((factor) => factorLabel(factor.id).toLowerCase()).join(" and ")} buy${record.run.quick ? " (quick run)" : ""}`;
}
