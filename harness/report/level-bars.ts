// One number of every arm as bars from zero, with the interval of its mean as a whisker.

import { arms } from "#harness/experiment/arms.ts";
import { number, quantity } from "./phrases.ts";
import type { LevelRecord } from "./report-record.ts";
import { drawing, element, label, line, tooltip } from "./svg.ts";

const width = 330;
const rowHeight = 22;
const bar = { left: 112, right: 266, height: 12 };

/** `levels` are those of one metric in one scenario. Where a bar is better short or long is for the caption to say. */
export function levelBars(levels: readonly LevelRecord[], unit: string, description: string): string {
  const largest = Math.max(1e-9, ...levels.map((level) => level.value ?? 0));
  const x = (value: number) =>
    bar.left + ((bar.right - bar.left) * Math.min(Math.max(value, 0), largest)) / largest;
  const rows = arms.map((arm, i) => {
    const y = i * rowHeight + rowHeight / 2;
    const level = levels.find((candidate) => candidate.arm === arm.id);
    const name = label(0, y + 4, arm.label, "row");
    if (!level || level.value === null) return name + label(bar.left, y + 4, "not known", "value muted");
    const { value, low, high } = level;
    const range = low === null || high === null ? "" : `, interval ${number(low)} to ${number(high)}`;
    return element(
      "g",
      { class: `arm-${arm.id.replace("+", "-")}` },
      tooltip(`${arm.label}: ${quantity(value, unit)}${range}`),
      name,
      element("rect", {
        x: bar.left,
        y: y - bar.height / 2,
        width: Math.max(x(value) - bar.left, 1),
        height: bar.height,
        class: "bar",
      }),
      low === null || high === null ? "" : line(x(low), y, x(high), y, "whisker"),
      label(width, y + 4, quantity(value, unit), "value", "end"),
    );
  });
  return drawing(width, arms.length * rowHeight, description, ...rows);
}
