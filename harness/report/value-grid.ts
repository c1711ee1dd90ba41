import { number } from "./phrases.ts";
import { label, line } from "./svg.ts";

/** Horizontal lines of a chart at these values, each with its number on the left. */
export function valueGrid(
  { left, right }: { readonly left: number; readonly right: number },
  values: readonly number[],
  y: (value: number) => number,
): string {
  return values
    .map(
      (value) =>
        line(left, y(value), right, y(value), "grid") +
        label(left - 6, y(value) + 4, number(value), "tick", "end"),
    )
    .join("");
}
