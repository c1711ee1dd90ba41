// Effects with their intervals, one row each, on a logarithmic axis of ratios: left of 1 is less, right is more. Whether less
// is good depends on the metric, so the colour says it, and a hollow mark says that no effect was seen.

import { factors } from "#harness/experiment/arms.ts";
import { change, detectable, factorLabel, interval, metricOf } from "./phrases.ts";
import type { EffectRecord } from "./report-record.ts";
import { drawing, element, label, line, logScale, type Scale, tooltip } from "./svg.ts";

const width = 360;
const plot = { left: 130, right: 244 };
const rowHeight = 22;
const groupHeight = 28;

/** `effects` are the averaged effects and interactions of one scenario. */
export function forestPlot(effects: readonly EffectRecord[], description: string): string {
  const groups = [...factors.map((factor) => factor.id), "interaction" as const].map((factor) => ({
    factor,
    rows: effects.filter((effect) => effect.factor === factor && effect.given === null),
  }));
  const bound = boundOf(effects);
  const scale = logScale([1 / bound, bound], [plot.left, plot.right]);
  const parts: string[] = [];
  let y = 6;
  for (const { factor, rows } of groups) {
    parts.push(label(0, y + 14, factorLabel(factor), "group"));
    y += groupHeight - 6;
    for (const effect of rows) {
      parts.push(row(effect, y + rowHeight / 2, scale));
      y += rowHeight;
    }
    y += 6;
  }
  return drawing(width, y + 30, description, grid(bound, scale, y), ...parts);
}

/** The axis reaches the farthest estimate, and a wide interval is cut at its border. */
function boundOf(effects: readonly EffectRecord[]): number {
  const farthest = effects.map((e) => (e.ratio === null ? 1 : Math.max(e.ratio, 1 / e.ratio)));
  const wanted = Math.max(1.5, ...farthest) * 1.25;
  return [1.5, 2, 3, 5, 10, 20, 50, 100, 1000].find((step) => step >= wanted) ?? 10_000;
}

function grid(bound: number, scale: Scale, bottom: number): string {
  // Half way on the logarithmic axis, rounded to what can be read.
  const ticks = [Number(Math.sqrt(bound).toPrecision(bound < 4 ? 2 : 1)), bound];
  const at = (ratio: number, text: string) =>
    line(scale(ratio), 4, scale(ratio), bottom, "grid") +
    label(scale(ratio), bottom + 12, text, "tick", "middle");
  return element(
    "g",
    {},
    ...ticks.flatMap((step) => [at(1 / step, `÷${step}`), at(step, `×${step}`)]),
    line(scale(1), 4, scale(1), bottom, "zero"),
    label(scale(1), bottom + 12, "1", "tick", "middle"),
    label((plot.left + plot.right) / 2, bottom + 26, "with ÷ without, log scale", "axis", "middle"),
  );
}

function row(effect: EffectRecord, y: number, scale: Scale): string {
  const metric = metricOf(effect.metric);
  const name = label(8, y + 4, metric.label, "row");
  if (effect.ratio === null || effect.low === null || effect.high === null) {
    return name + label(width, y + 4, "not known", "value muted", "end");
  }
  const quiet = effect.verdict === "none seen" || effect.verdict === "negligible";
  const kind = quiet ? "none" : effect.factor === "interaction" ? "joint" : effect.verdict;
  const hint = `${metric.label}: ${change(effect.ratio)}, interval ${interval(effect)}, smallest detectable ${detectable(effect)}, ${effect.restarts} restarts, ${effect.slices} rounds${effect.afterCorrection ? "" : ", uncorrected"}`;
  return element(
    "g",
    { class: `effect ${kind}` },
    tooltip(hint),
    element("rect", { x: 0, y: y - rowHeight / 2, width, height: rowHeight, class: "hit" }),
    name,
    line(scale(effect.low), y, scale(effect.high), y, "whisker"),
    element("circle", { cx: scale(effect.ratio), cy: y, r: 4.5, class: "mark" }),
    label(width, y + 4, shortWords(effect, effect.ratio), "value", "end"),
  );
}

function shortWords(effect: EffectRecord, ratio: number): string {
  if (effect.verdict === "negligible") return "within 1 %";
  if (effect.verdict !== "none seen") return change(ratio);
  return (effect.detectable ?? 9) >= 9 ? "none seen" : `none seen, ≥ ${detectable(effect)}`;
}
