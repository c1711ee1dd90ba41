import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sampleCluster } from "#harness/report/testing/sample-cluster.ts";
import { sampleRecord } from "#harness/report/testing/sample-record.ts";
import { checksOf } from "./checks-of.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { embeddedJson } from "./page-script.ts";
import { type FoundRuns, readRuns } from "./read-runs.ts";
import { reportEntry } from "./report-entry.ts";
import { sampleRuns } from "./testing/sample-runs.ts";
import { trendsOf } from "./trends.ts";
import { verdictRun } from "./verdict-entry.ts";
import { verdictPage } from "./verdict-page.ts";
import { writeHistory } from "./write-history.ts";
import { writeVerdicts } from "./write-verdicts.ts";

let directory: string;
let found: FoundRuns;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "history-"));
  await sampleRuns(directory, { runs: 16 });
  found = await readRuns(directory);
});
afterAll(() => rm(directory, { recursive: true }));

describe("reading", () => {
  it("finds runs of every kind, oldest first, and tells of the file that is none", () => {
    const { runs } = found.data;
    expect(runs).toHaveLength(23);
    expect(new Set(runs.map(({ kind }) => kind))).toEqual(
      new Set(["report", "scenarios", "gate", "chaos", "load"]),
    );
    expect(runs.map(({ startedAt }) => startedAt)).toEqual(runs.map(({ startedAt }) => startedAt).sort());
    expect(found.problems).toHaveLength(1);
    expect(found.problems[0]).toMatch(/^chaos\/half\.json: /);
  });

  it("takes a failure from one claim, and never a pass from what is not known", () => {
    const outcomes = Object.fromEntries(found.data.runs.map(({ kind, outcome }) => [kind, outcome]));
    expect(outcomes).toEqual({
      report: "measured",
      scenarios: "fail",
      gate: "unknown",
      chaos: "pass",
      load: "pass",
    });
    const startedAt = "2026-10-28T10:00:00Z";
    expect(verdictRun("chaos", { startedAt, verdicts: [] }, "chaos/b.json").entry.outcome).toBe("unknown");
    expect(() => verdictRun("chaos", { startedAt: "yesterday" }, "chaos/b.json")).toThrow(
      'startedAt must be a time, got "yesterday"',
    );
  });
});

describe("a run of verdicts", () => {
  const entryOf = (kind: string) => found.data.runs.find((run) => run.kind === kind);

  it("of a gate has the judgements of its metrics, its commit and the page it made", () => {
    expect(entryOf("gate")).toMatchObject({
      link: "gate/a/index.html",
      commit: "abc",
      verdicts: [{ claim: "median latency", outcome: "unknown" }],
    });
  });

  it("of load has numbers, which share a fingerprint with the same machine and no other", () => {
    const loads = found.data.runs.filter(({ kind }) => kind === "load");
    expect(loads.map(({ levels }) => Object.values(levels))).toEqual([[[8, null, null]], [[9, null, null]]]);
    expect(new Set(loads.map(({ fingerprint }) => fingerprint)).size).toBe(1);
    expect(loads[0]?.fingerprint).not.toBeNull();
  });

  it("has a page with what was seen and how to do it again", () => {
    const scenarios = found.verdictRuns.find(({ entry }) => entry.kind === "scenarios");
    if (scenarios === undefined) throw new Error("the scenarios were not found");
    const page = verdictPage(scenarios);
    expect(page).toContain("Of 3 claims 1 hold, 1 do not hold, 1 are not known.");
    expect(page).toContain("a broken rule is named &lt;/script&gt;");
    expect(page).toContain("it was not &lt;named&gt;");
    expect(page).toContain("make scenarios SEED=5");
  });

  it("of chaos says how long it took to recover, where its record tells", () => {
    const faults = [
      { fault: "kill", about: "kill -9", times: 2, recoveryMs: [300, 900, null] },
      { fault: "cut", about: "no link", times: 1, recoveryMs: [null] },
    ];
    const attempts = { ok: 20, fail: 1, unknown: 2 };
    const startedAt = "2026-10-28T10:00:00Z";
    expect(
      verdictRun("chaos", { startedAt, faults, attempts, verdicts: [] }, "chaos/b.json").summary,
    ).toEqual([
      "kill (kill -9) struck 2 times; the first call succeeded 300 ms after its healing began (median; longest 900 ms), and 1 times none did.",
      "cut (no link) struck 1 time; no call succeeded after it.",
      "Of the orders meanwhile 20 were acknowledged, 1 refused, and 2 remained unknown to their sender.",
    ]);
  });

  it("is checked for the report of its commit, the newest of each kind", () => {
    const of = (commit: string) =>
      checksOf(found.data, commit).map(({ kind, startedAt }) => [kind, startedAt]);
    expect(of("abc")).toEqual([
      ["chaos", "2026-10-28T10:00:00.000Z"],
      ["load", "2026-10-30T10:00:00.000Z"],
    ]);
    expect(of("")).toEqual([]);
  });

  it("is written with its page, and listed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "history-"));
    try {
      const page = await writeVerdicts(folder, "chaos", {
        startedAt: "2026-10-28T10:00:00.000Z",
        command: "make chaos",
        verdicts: [{ claim: "orders survive", outcome: "pass", checked: 3 }],
      });
      expect(page).toBe(join(folder, "chaos/2026-10-28T10-00-00-000Z.html"));
      expect(await readFile(page, "utf8")).toContain("orders survive (3 checked)");
      expect(await readFile(join(folder, "index.html"), "utf8")).toContain(
        'href="chaos/2026-10-28T10-00-00-000Z.html"',
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("a report with experiments on a gateway", () => {
  const { entry, effects } = reportEntry({ ...sampleRecord(), cluster: sampleCluster() }, "a/index.html");
  const gateway = (values: object) => Object.keys(values).filter((key) => key.startsWith("gateway: "));

  it("is followed by what each optimization changes, and by two numbers with none and with all", () => {
    const { design } = sampleCluster();
    expect(gateway(entry.effects).length).toBeGreaterThan(0);
    for (const key of Object.keys(entry.effects)) expect(effects.map((name) => name.key)).toContain(key);
    expect(gateway(entry.levels).length).toBeLessThanOrEqual(design.scenarios.length * 2 * 2);
    for (const key of gateway(entry.levels)) expect(["callsPerSecond", "p99Ms"]).toContain(key.split("|")[1]);
  });
});

describe("the fingerprint", () => {
  const { environment } = sampleRecord();

  it("stays when only the load differs, and changes with the machine or Node", () => {
    const print = fingerprintOf(environment);
    const busy = { ...environment, loadBefore: 3, stealShare: 0.5 };
    expect(fingerprintOf(busy)).toBe(print);
    expect(fingerprintOf({ ...environment, node: "v25.0.0" })).not.toBe(print);
    const machine = { ...environment.machine, cores: 4 };
    expect(fingerprintOf({ ...environment, machine })).not.toBe(print);
  });
});

describe("trends", () => {
  it("never mix machines, and find the run at which throughput changed", () => {
    const trends = trendsOf(found.data);
    for (const { points } of trends)
      expect(new Set(points.map(({ run }) => run.fingerprint))).toHaveProperty("size", 1);
    const throughput = trends.filter(
      ({ series, points }) => series.metric === "throughput" && points.length === 16,
    );
    expect(throughput.length).toBeGreaterThan(0);
    for (const { changes } of throughput) {
      expect(changes.map(({ run, verdict }) => [run.id.slice(0, 8), verdict])).toEqual([
        ["20261009", "better"],
      ]);
      expect(changes[0]?.ratio).toBeCloseTo(1.3, 1);
    }
    expect(trends.filter(({ series }) => series.metric !== "throughput").flatMap((t) => t.changes)).toEqual(
      [],
    );
  });
});

describe("the page", () => {
  it("is written whole, asks for nothing and holds the data", async () => {
    const { file, runs } = await writeHistory(directory);
    expect(runs).toBe(23);
    const page = await readFile(file, "utf8");
    expect(page).not.toMatch(/<link|<img|@import|url\(|https?:\/\/|NaN|undefined<|\[object/);
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    expect(page).toContain("chaos/half.json");
  });

  it("embeds JSON that cannot end its element", () => {
    const text = embeddedJson({ claim: "</script><!--" });
    expect(text).not.toContain("<");
    expect(JSON.parse(text)).toEqual({ claim: "</script><!--" });
  });
});
