// The entry of a run that ends in verdicts: scenarios, gate, chaos. Their records differ in the names of a few fields; what an entry needs
// of them is the same.

import { basename } from "node:path";
import type { RunEntry, RunKind, RunVerdict } from "./run-entry.ts";

/** Throws TypeError naming what the record lacks. */
export function verdictEntry(kind: RunKind, record: unknown, link: string): RunEntry {
  const whole = fields(record);
  const run = { ...whole, ...fields(whole.run) };
  const startedAt = text(run.startedAt);
  if (startedAt === "" || Number.isNaN(Date.parse(startedAt))) {
    throw new TypeError(`startedAt must be a time, got ${JSON.stringify(run.startedAt)}`);
  }
  const verdicts = verdictsIn(whole);
  return {
    id: text(run.id) || `${kind}-${basename(link, ".json")}`,
    kind,
    startedAt,
    command: text(run.command),
    seed: typeof run.seed === "number" ? run.seed : null,
    commit: text(run.commit),
    dirty: run.dirty === true,
    quick: run.quick === true,
    fingerprint: null,
    machine: "",
    link,
    outcome: outcomeIn(whole) ?? together(verdicts),
    verdicts,
    levels: {},
    effects: {},
  };
}

const LISTS = ["results", "verdicts", "claims", "judgements", "metrics"];
const NAMES = ["claim", "scenario", "metric", "label", "name", "id"];

function verdictsIn(whole: Readonly<Record<string, unknown>>): RunVerdict[] {
  const items = LISTS.flatMap((list) => (Array.isArray(whole[list]) ? whole[list] : []));
  return items.flatMap((item) => {
    const outcome = outcomeIn(fields(item));
    const claim = NAMES.map((name) => text(fields(item)[name])).find((name) => name !== "");
    return outcome === undefined || claim === undefined ? [] : [{ claim, outcome }];
  });
}

/** Whatever is neither a pass nor a failure is not known; undefined where nothing is said. */
function outcomeIn(item: Readonly<Record<string, unknown>>): RunVerdict["outcome"] | undefined {
  const said = text(item.outcome) || text(item.verdict);
  if (said === "") return undefined;
  const lower = said.toLowerCase();
  return lower === "pass" || lower === "fail" ? lower : "unknown";
}

function together(verdicts: readonly RunVerdict[]): RunVerdict["outcome"] {
  if (verdicts.some(({ outcome }) => outcome === "fail")) return "fail";
  return verdicts.length > 0 && verdicts.every(({ outcome }) => outcome === "pass") ? "pass" : "unknown";
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
