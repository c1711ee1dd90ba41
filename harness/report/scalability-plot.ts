// Measured throughput over N with the fitted law through it, drawn from the smallest N that was measured to the largest and no further.

import type { ScalabilityRecord } from "./cluster-record.ts";
import { number } from "./phrases.ts";
import { drawing, element, label, logScale, tooltip } from "./svg.ts";
import { valueGrid } from "./value-grid.ts";

const width = 360;
const height = 220;
const plot = { left: 52, right: 350, top: 10, bottom: 186 };

export function scalabilityPlot({ points, fit, over }: ScalabilityRecord, description: string): string {
  const measured = points.flatMap(({ n, throughputs }) => throughputs.map((y) => ({ n, y })));
  if (measured.length === 0) return "";
  const largestN = Math.max(...points.map(({ n }) => n));
  const top =
    Math.max(...measured.map(({ y }) => y), ...(fit?.residuals ?? []).map(({ fitted }) => fitted)) * 1.08;
  const x = logScale([1, Math.max(2, largestN)], [plot.left, plot.right]);
  const y = (value: number) => plot.bottom - ((plot.bottom - plot.top) * value) / top;
  const curve = (fit?.residuals ?? []).map(({ n, fitted }) => `${x(n).toFixed(1)},${y(fitted).toFixed(1)}`);
  return drawing(
    width,
    height,
    description,
    valueGrid(
      plot,
      [0, top / 2, top].map((value) => Number(value.toPrecision(2))),
      y,
    ),
    ...points.map(({ n }) => label(x(n), plot.bottom + 15, String(n), "tick", "middle")),
    label(
      (plot.left + plot.right) / 2,
      plot.bottom + 30,
      `${over}, log scale; calls/s upwards`,
      "axis",
      "middle",
    ),
    element(
      "g",
      { class: "tint-better" },
      curve.length > 1 ? element("polyline", { points: curve.join(" "), class: "curve" }) : "",
      ...measured.map(({ n, y: value }) =>
        element(
          "circle",
          { cx: x(n), cy: y(value), r: 3, class: "dot" },
          tooltip(`${n} ${over}: ${number(value)} calls/s`),
        ),
      ),
    ),
  );
}
