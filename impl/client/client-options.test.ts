// docs/client.md tells every option and its default.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  DEFAULT_BREAKER,
  DEFAULT_EJECTION,
  DEFAULT_HEDGING,
  DEFAULT_POOL,
  DEFAULT_RESUME,
  DEFAULT_RETRY,
} from "./client-options.ts";

const rows = readFileSync(new URL("../../docs/client.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.split("|").slice(1, 3));

/** The defaults of a section as the page tells them, by option. */
function told(section: string): Record<string, string> {
  const defaults: Record<string, string> = {};
  for (const [options = "", values = ""] of rows) {
    if (!options.includes(`\`${section}.`)) continue;
    const each = (values.split(";").at(-1) ?? "").split(",").map((value) => value.trim());
    for (const [index, [, name = ""]] of [...options.matchAll(/`(?:\w+\.)?(\w+)`/g)].entries()) {
      defaults[name] = each[index] ?? "";
    }
  }
  return defaults;
}

test.each([
  ["pool", DEFAULT_POOL],
  ["ejection", DEFAULT_EJECTION],
  ["breaker", DEFAULT_BREAKER],
  ["retry", DEFAULT_RETRY],
  ["hedging", DEFAULT_HEDGING],
  ["resume", DEFAULT_RESUME],
])("%s", (section, defaults) => {
  expect(told(section)).toEqual(
    Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, `${value}`])),
  );
});
