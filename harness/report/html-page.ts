// The frame of every page in reports/: one file that needs no other, and no network.

import { pageStyle } from "./page-style.ts";
import { escapeText } from "./svg.ts";

export interface HtmlPage {
  /** Plain text. */
  readonly title: string;
  /** Style sheets beside that of all pages. */
  readonly styles?: readonly string[];
  /** HTML of the head, beside what every page has. */
  readonly head?: string;
  /** HTML of the page. */
  readonly main: string;
  /** HTML after it, such as scripts. */
  readonly after?: string;
}

export function htmlPage({ title, styles = [], head = "", main, after = "" }: HtmlPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${head}<title>${escapeText(title)}</title>
<style>${[pageStyle, ...styles].join("")}</style>
</head>
<body>
<main>
${main.trim()}
</main>
${after}</body>
</html>
`;
}
