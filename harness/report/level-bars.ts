// Numbers as bars from zero, with the interval of each as a whisker.

import { arms } from "#harness/experiment/arms.ts";
import { number, quantity } from "./phrases.ts";
import type { LevelRecord } from "./report-record.ts";
import { drawing, element, label, line, tooltip } from "./svg.ts";

const width = 330;
const rowHeight = 22;
const barHeight = 12;
const right = 266;

export interface Bar {
  readonly name: string;
  readonly value: number | null;
  readonly low?: number | null;
  readonly high?: number | null;
  readonly className: string;
}

/** `nameWidth`: room for the names. Whether short or long is better is for the caption to say. */
export function bars(list: readonly Bar[], unit: string, description: string, nameWidth = 112): string {
  // Long whiskers are cut, so that they do not squeeze the bars.
  const reach = list.map(({ value, high }) => Math.max(value ?? 0, Math.min(high ?? 0, 1.4 * (value ?? 0))));
  const largest = Math.max(1e-9, ...reach);
  const x = (value: number) =>
    nameWidth + ((right - nameWidth) * Math.min(Math.max(value, 0), largest)) / largest;
  return drawing(
    width,
    list.length * rowHeight,
    description,
    ...list.map((bar, i) => row(bar, i * rowHeight + rowHeight / 2, x, unit, nameWidth)),
  );
}

/** The levels of one metric in one scenario, a bar for each arm. */
export function levelBars(levels: readonly LevelRecord[], unit: string, description: string): string {
  const list = arms.map((arm) => {
    const level = levels.find((candidate) => candidate.arm === arm.id);
    return {
      name: arm.label,
      value: level?.value ?? null,
      low: level?.low ?? null,
      high: level?.high ?? null,
      className: `arm-${arm.id.replace("+", "-")}`,
    };
  });
  return bars(list, unit, description);
}

function row(bar: Bar, y: number, x: (value: number) => number, unit: string, nameWidth: number): string {
  const name = label(0, y + 4, bar.name, "row");
  const { value, low = null, high = null } = bar;
  if (value === null) return name + label(nameWidth, y + 4, "not known", "value muted");
  const known = low !== null && high !== null;
  return element(
    "g",
    { class: bar.className },
    tooltip(
      `${bar.name}: ${quantity(value, unit)}${known ? `, interval ${number(low)} to ${number(high)}` : ""}`,
    ),
    name,
    element("rect", {
      x: nameWidth,
      y: y - barHeight / 2,
      width: Math.max(x(value) - nameWidth, 1),
      height: barHeight,
      class: "bar",
    }),
    known ? line(x(low), y, x(high), y, "whisker") : "",
    label(width, y + 4, quantity(value, unit), "value", "end"),
  );
}
