// A run that ends in verdicts, as the history lists it and as its own page tells it: scenarios, chaos, load, gate. Their records differ in
// the names of a few fields; what is needed of them is the same.

import { basename } from "node:path";
import { chaosWords } from "./chaos-words.ts";
import { fingerprintOf, machineInWords } from "./fingerprint.ts";
import type { Measured, RunEntry, RunKind, RunVerdict, SeriesName } from "./run-entry.ts";
import type { ComparableEnvironment } from "./verdict-record.ts";

export interface VerdictRun {
  readonly entry: RunEntry;
  readonly levels: readonly SeriesName[];
  /** For its page. */
  readonly summary: readonly string[];
  /** In the order of the entry's verdicts. */
  readonly details: readonly VerdictDetail[];
  readonly elapsedSeconds: number | undefined;
}

export interface VerdictDetail {
  readonly checked: number | undefined;
  readonly evidence: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** `file`: of the record. Throws TypeError naming what the record lacks. */
export function verdictRun(kind: RunKind, record: unknown, file: string): VerdictRun {
  const whole = fields(record);
  const run = { ...whole, ...fields(whole.run) };
  const startedAt = text(run.startedAt);
  if (startedAt === "" || Number.isNaN(Date.parse(startedAt))) {
    throw new TypeError(`startedAt must be a time, got ${JSON.stringify(run.startedAt)}`);
  }
  const found = verdictsIn(whole);
  const verdicts = found.map(({ verdict }) => verdict);
  const environment = environmentIn(whole);
  const measured = measuredIn(whole);
  return {
    entry: {
      id: text(run.id) || `${kind}-${basename(file, ".json")}`,
      kind,
      startedAt,
      command: text(run.command),
      seed: typeof run.seed === "number" ? run.seed : null,
      commit: text(run.commit) || text(fields(whole.commits).head),
      dirty: run.dirty === true || run.headDirty === true,
      quick: run.quick === true,
      baseline: false,
      fingerprint: environment === undefined ? null : fingerprintOf(environment),
      machine: environment === undefined ? "" : machineInWords(environment),
      link: kind === "gate" ? file.replace(/[^/]*$/, "index.html") : file.replace(/\.json$/, ".html"),
      outcome: outcomeIn(whole) ?? outcomeIn(fields(whole.verdict)) ?? together(verdicts),
      verdicts,
      levels: Object.fromEntries(measured.map(({ name, value }) => [name.key, value])),
      effects: {},
    },
    levels: measured.map(({ name }) => name),
    summary: [...texts(whole.summary), ...(kind === "chaos" ? chaosWords(whole) : [])],
    details: found.map(({ detail }) => detail),
    elapsedSeconds: typeof whole.elapsedSeconds === "number" ? whole.elapsedSeconds : undefined,
  };
}

const LISTS = ["results", "verdicts", "claims", "judgements", "metrics", "timing", "counters"];
const NAMES = ["claim", "scenario", "metric", "label", "name", "id"];

function verdictsIn(whole: Fields): { readonly verdict: RunVerdict; readonly detail: VerdictDetail }[] {
  // A gate has its lists in its verdict.
  const places = [whole, fields(whole.verdict)];
  const items = places.flatMap((place) =>
    LISTS.flatMap((list) => (Array.isArray(place[list]) ? place[list] : [])),
  );
  return items.flatMap((value) => {
    const item = fields(value);
    const outcome = outcomeIn(item);
    const claim = NAMES.map((name) => text(item[name]) || text(fields(item[name]).label)).find(
      (name) => name !== "",
    );
    if (outcome === undefined || claim === undefined) return [];
    const checked = typeof item.checked === "number" ? item.checked : undefined;
    return [
      {
        verdict: { claim, outcome },
        detail: { checked, evidence: [...texts(item.evidence), ...texts(item.notes)] },
      },
    ];
  });
}

/** Whatever is neither a pass nor a failure is not known; undefined where nothing is said. */
function outcomeIn(item: Fields): RunVerdict["outcome"] | undefined {
  const said = text(item.outcome) || text(item.verdict);
  if (said === "") return undefined;
  const lower = said.toLowerCase();
  return lower === "pass" || lower === "fail" ? lower : "unknown";
}

function together(verdicts: readonly RunVerdict[]): RunVerdict["outcome"] {
  if (verdicts.some(({ outcome }) => outcome === "fail")) return "fail";
  return verdicts.length > 0 && verdicts.every(({ outcome }) => outcome === "pass") ? "pass" : "unknown";
}

/** Undefined where the record does not tell all of it. A gate tells its own in other places. */
function environmentIn(whole: Fields): ComparableEnvironment | undefined {
  const restart = Array.isArray(whole.restarts) ? fields(whole.restarts[0]) : {};
  const process = fields(fields(restart.processes).head);
  const told: Fields = { ...whole, ...process, nodeFlags: process.execArgv, ...fields(whole.environment) };
  const { node, v8, pinning } = { node: text(told.node), v8: text(told.v8), pinning: text(told.pinning) };
  const machine = fields(told.machine);
  if (node === "" || v8 === "" || pinning === "" || text(machine.cpuModel) === "") return undefined;
  return {
    machine: {
      cpuModel: text(machine.cpuModel),
      cores: Number(machine.cores),
      quotaCores: typeof machine.quotaCores === "number" ? machine.quotaCores : null,
      memoryBytes: Number(machine.memoryBytes),
      kernel: text(machine.kernel),
    },
    node,
    v8,
    nodeFlags: texts(told.nodeFlags),
    pinning,
  };
}

function measuredIn(whole: Fields): { readonly name: SeriesName; readonly value: Measured }[] {
  if (!Array.isArray(whole.measured)) return [];
  return whole.measured.map(fields).flatMap((item) => {
    const [workload, metric, subject] = [text(item.workload), text(item.metric), text(item.subject)];
    if (typeof item.value !== "number" || workload === "" || metric === "") return [];
    const better = item.better === "higher" ? "higher" : "lower";
    const name = {
      key: `${workload}|${metric}|${subject}`,
      workload,
      metric,
      unit: text(item.unit),
      better,
      subject,
    };
    return [{ name: { ...name, better } as const, value: [item.value, null, null] as const }];
  });
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
