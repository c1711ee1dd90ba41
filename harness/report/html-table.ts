// A table of text that scrolls sideways where it is wider than the page.

import { escapeText } from "./svg.ts";

export function table(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  className = "numbers",
): string {
  const head = columns.map((column) => `<th>${escapeText(column)}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeText(cell)}</td>`).join("")}</tr>`);
  return `<div class="scroll"><table class="${className}"><thead><tr>${head}</tr></thead><tbody>${body.join("\n")}</tbody></table></div>`;
}

/** Pairs of name and value. */
export function factTable(list: readonly (readonly [name: string, value: string])[]): string {
  const rows = list.map(
    ([name, value]) => `<tr><th>${escapeText(name)}</th><td>${escapeText(value)}</td></tr>`,
  );
  return `<table class="facts"><tbody>${rows.join("\n")}</tbody></table>`;
}

export function details(summary: string, content: string): string {
  return `<details><summary>${escapeText(summary)}</summary>${content}</details>`;
}
