// The page's script: TypeScript that the browser gets with its types taken out.

import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

const source = new URL("browser/history.ts", import.meta.url);

export function pageScript(): string {
  const script = stripTypeScriptTypes(readFileSync(source, "utf8"));
  if (/<\/script|<!--/i.test(script)) throw new Error("browser/history.ts: it would end the script element");
  return script.trim();
}

/** JSON that a script element may hold: a "<" in it could end the element. */
export function embeddedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
