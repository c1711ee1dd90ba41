// Numbers over the course of a run: a line for each arm that begins anew with each restart, since each is a new process.

import { number } from "./phrases.ts";
import { drawing, element, label, line, type Scale, tooltip } from "./svg.ts";
import { valueGrid } from "./value-grid.ts";

const width = 360;
const height = 128;
const plot = { left: 40, right: 352, top: 8, bottom: 112 };
const labelRoom = 34;

export interface TimeSeries {
  readonly name: string;
  /** The class that gives its colour. */
  readonly className: string;
  /** Without a break within each; from left to right. */
  readonly stretches: readonly { readonly name: string; readonly points: readonly TimePoint[] }[];
}

export interface TimePoint {
  readonly x: number;
  readonly y: number;
}

/** Where something begins, such as a restart. */
export interface TimeMark {
  readonly x: number;
  readonly text: string;
}

export interface TimeSeriesOptions {
  /** Ends of the x axis. */
  readonly reach: readonly [from: number, to: number];
  readonly marks: readonly TimeMark[];
  readonly description: string;
}

/** From zero. Values are shown as they are given, so the caption tells their unit. */
export function timeSeries(series: readonly TimeSeries[], options: TimeSeriesOptions): string {
  const { reach, marks, description } = options;
  const values = series.flatMap(({ stretches }) =>
    stretches.flatMap(({ points }) => points.map((point) => point.y)),
  );
  if (values.length === 0) return drawing(width, 30, description, label(0, 20, "not known", "muted"));
  const largest = Math.max(...values) || 1;
  const y: Scale = (value) => plot.bottom - ((plot.bottom - plot.top) * value) / (largest * 1.05);
  const x: Scale = (value) =>
    plot.left + ((plot.right - plot.left) * (value - reach[0])) / Math.max(1e-9, reach[1] - reach[0]);
  return drawing(
    width,
    height,
    description,
    valueGrid(plot, [0, largest / 2, largest], y),
    ...markLines(marks, x),
    ...series.map((one) => lines(one, x, y)),
  );
}

/** A line for each, and a text where there is room for one. */
function markLines(marks: readonly TimeMark[], x: Scale): string[] {
  let free = Number.NEGATIVE_INFINITY;
  return marks.map(({ x: at, text }) => {
    const place = x(at);
    const drawn = line(place, plot.top, place, plot.bottom, "grid");
    if (place < free) return drawn;
    free = place + labelRoom;
    return drawn + label(place, plot.bottom + 14, text, "tick");
  });
}

function lines({ name, className, stretches }: TimeSeries, x: Scale, y: Scale): string {
  return element(
    "g",
    { class: `course ${className}` },
    ...stretches.flatMap((stretch) => {
      const points = stretch.points.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`);
      if (points.length === 0) return [];
      const values = stretch.points.map((point) => point.y);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const words = `${name}, ${stretch.name}: ${number(Math.min(...values))} to ${number(Math.max(...values))}, mean ${number(mean)}`;
      return element(
        "g",
        {},
        tooltip(words),
        element("path", { d: `M${points.join("L")}`, class: "curve" }),
        // Each a line of no length with a round end.
        element("path", { d: points.map((point) => `M${point}h0`).join(""), class: "points" }),
      );
    }),
  );
}
