// One number over the runs, a line an arm, from zero, with a ring where its level changed.

import { change, number } from "#harness/report/phrases.ts";
import { drawing, element, label, tooltip } from "#harness/report/svg.ts";
import { valueGrid } from "#harness/report/value-grid.ts";
import type { Trend } from "./trends.ts";

const width = 360;
const height = 150;
const plot = { left: 44, right: 350, top: 10, bottom: 118 };

/** Trends of one metric in one workload, on one machine. */
export function trendChart(trends: readonly Trend[], description: string): string {
  const runs = [...new Set(trends.flatMap(({ points }) => points.map(({ run }) => run)))].sort((a, b) =>
    a.startedAt.localeCompare(b.startedAt),
  );
  const largest = Math.max(
    1e-9,
    ...trends.flatMap(({ points }) => points.map(({ value: [value] }) => value)),
  );
  const y = (value: number) => plot.bottom - ((plot.bottom - plot.top) * value) / (largest * 1.05);
  const step = (plot.right - plot.left) / Math.max(1, runs.length - 1);
  const places = new Map(runs.map((run, i) => [run.id, plot.left + i * step]));
  const x = (id: string) => places.get(id) ?? plot.left;
  const days = [runs[0], runs.at(-1)].map((run) => run?.startedAt.slice(0, 10) ?? "");
  return drawing(
    width,
    height,
    description,
    valueGrid(plot, [0, largest / 2, largest], y),
    label(plot.left, plot.bottom + 18, days[0] ?? "", "tick"),
    label(plot.right, plot.bottom + 18, days[1] ?? "", "tick", "end"),
    ...trends.map((trend) => lineOf(trend, x, y)),
  );
}

function lineOf(trend: Trend, x: (id: string) => number, y: (value: number) => number): string {
  const { series, points, changes } = trend;
  const at = ({ run, value: [value] }: Trend["points"][number]) =>
    `${x(run.id).toFixed(1)},${y(value).toFixed(1)}`;
  const last = points.at(-1);
  return element(
    "g",
    { class: subjectClass(series.subject) },
    element("path", { d: `M${points.map(at).join("L")}`, class: "curve" }, tooltip(series.subject)),
    ...(last ? [dot(last, "dot", 2.5, `${series.subject}: ${number(last.value[0])}`)] : []),
    ...changes.flatMap((found) => {
      const point = points.find(({ run }) => run === found.run);
      return point ? [dot(point, "ring", 5, `${series.subject}: ${changeInWords(found)}`)] : [];
    }),
  );

  function dot(point: Trend["points"][number], kind: string, r: number, text: string): string {
    return element(
      "circle",
      { cx: x(point.run.id), cy: y(point.value[0]), r, class: kind },
      tooltip(`${text}, ${point.run.id}`),
    );
  }
}

export function changeInWords({ ratio, verdict, p }: Trend["changes"][number]): string {
  return `${ratio === null ? "from 0" : change(ratio)} (${verdict}, p = ${p.toPrecision(1)})`;
}

/** The class that gives an arm its colour. */
export function subjectClass(label: string): string {
  if (label === "both") return "arm-caching-compression";
  return `arm-${label.replace(/ only$/, "")}`;
}
