// The confirmatory metrics with the bounds that decided, one row each, on a logarithmic axis around no change, with the margin drawn.

import { drawing, element, label, line, logScale, tooltip } from "#harness/report/svg.ts";
import type { GateRecord } from "./gate-record.ts";
import { change } from "./gate-words.ts";

const width = 560;
const plot = { left: 220, right: 480 };
const rowHeight = 26;
const classOf = { PASS: "better", FAIL: "worse", INCONCLUSIVE: "none" } as const;

export function gateForest({ verdict, rule }: GateRecord): string {
  const known = verdict.timing.filter(({ estimate }) => estimate !== undefined);
  const ends = known.flatMap(({ low, high }) => [Math.abs(low ?? 0), Math.abs(high ?? 0)]);
  const reach = Math.min(Math.log(20), Math.max(2 * rule.margin, ...ends)) * 1.1;
  const scale = logScale([Math.exp(-reach), Math.exp(reach)], [plot.left, plot.right]);
  const bottom = 8 + known.length * rowHeight;
  const axis = (ln: number, className: string) =>
    line(scale(Math.exp(ln)), 4, scale(Math.exp(ln)), bottom, className) +
    label(scale(Math.exp(ln)), bottom + 14, change(ln), "tick", "middle");
  const rows = known.map(({ metric, estimate, low, high, outcome }, i) => {
    const y = 8 + (i + 0.5) * rowHeight;
    const at = scale(Math.exp(estimate?.estimate ?? 0));
    return element(
      "g",
      { class: `effect ${classOf[outcome]}` },
      tooltip(`${metric.label}: ${outcome}`),
      label(0, y + 4, metric.label, "row"),
      line(scale(Math.exp(low ?? 0)), y, scale(Math.exp(high ?? 0)), y, "whisker"),
      element("circle", { cx: at, cy: y, r: 4.5, class: "mark" }),
      label(width, y + 4, change(estimate?.estimate ?? 0), "value", "end"),
    );
  });
  return drawing(
    width,
    bottom + 24,
    "Change of head against base, with the bounds that decided",
    axis(0, "zero"),
    axis(Math.log1p(rule.margin), "grid"),
    ...rows,
  );
}
