// Latency by percentile, one curve an arm, both axes logarithmic: the tail takes as much room as the rest, since that is
// where services differ.

import { arms } from "#harness/experiment/arms.ts";
import { number } from "./phrases.ts";
import type { DistributionRecord } from "./report-record.ts";
import { drawing, element, label, line, logScale, logTicks, type Scale, tooltip } from "./svg.ts";

const width = 360;
const height = 220;
const plot = { left: 34, right: 348, top: 10, bottom: 176 };
const percentiles = [0, 50, 90, 99, 99.9, 99.99];

export function percentilePlot(distributions: readonly DistributionRecord[], description: string): string {
  const points = distributions.flatMap((distribution) => distribution.points).filter((point) => point.ms > 0);
  if (points.length === 0)
    return drawing(width, 40, description, label(0, 20, "no valid latency slices", "muted"));
  const values = points.map((point) => point.ms);
  const domain = [Math.min(...values) * 0.9, Math.max(...values) * 1.1] as const;
  const last = Math.max(90, ...points.map((point) => point.percentile));
  const y = logScale(domain, [plot.bottom, plot.top]);
  const x = tailScale(last);
  return drawing(
    width,
    height,
    description,
    ...logTicks(domain).map(
      (tick) =>
        line(plot.left, y(tick), plot.right, y(tick), "grid") +
        label(plot.left - 6, y(tick) + 4, number(tick), "tick", "end"),
    ),
    ...percentiles
      .filter((percentile) => percentile <= last)
      .map(
        (percentile) =>
          line(x(percentile), plot.top, x(percentile), plot.bottom, "grid") +
          label(x(percentile), plot.bottom + 15, `p${percentile}`, "tick", "middle"),
      ),
    label(0, height - 8, "latency from the intended time in ms, by percentile; both axes log", "axis"),
    ...arms.flatMap((arm) => {
      const found = distributions.find((distribution) => distribution.arm === arm.id);
      return found ? [curve(found, arm.label, x, y)] : [];
    }),
  );
}

function curve(distribution: DistributionRecord, name: string, x: Scale, y: Scale): string {
  const shown = distribution.points.filter((point) => point.ms > 0);
  const path = shown.map(
    (point, i) => `${i === 0 ? "M" : "L"}${x(point.percentile).toFixed(1)},${y(point.ms).toFixed(1)}`,
  );
  const marked = shown.filter((point) => percentiles.includes(point.percentile) && point.percentile > 0);
  return element(
    "g",
    { class: `arm-${distribution.arm.replace("+", "-")}` },
    element(
      "path",
      { d: path.join(""), class: "curve" },
      tooltip(`${name}, ${number(distribution.calls)} calls`),
    ),
    ...marked.map((point) =>
      element(
        "circle",
        { cx: x(point.percentile), cy: y(point.ms), r: 3, class: "dot" },
        tooltip(`${name}: p${point.percentile} ${number(point.ms)} ms`),
      ),
    ),
  );
}

/** Each further nine takes the same width. */
function tailScale(last: number): Scale {
  const nines = (percentile: number) => -Math.log10(1 - Math.min(percentile, 99.9999) / 100);
  const end = nines(last);
  return (percentile) => plot.left + ((plot.right - plot.left) * nines(percentile)) / end;
}
