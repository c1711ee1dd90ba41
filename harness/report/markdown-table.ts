// A table in Markdown, whatever its cells hold.

export function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const written = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [written(columns), written(columns.map(() => "---")), ...rows.map(written)].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
