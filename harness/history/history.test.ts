import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sampleRecord } from "#harness/report/testing/sample-record.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { embeddedJson } from "./page-script.ts";
import { type FoundRuns, readRuns } from "./read-runs.ts";
import { sampleRuns } from "./testing/sample-runs.ts";
import { trendsOf } from "./trends.ts";
import { verdictEntry } from "./verdict-entry.ts";
import { writeHistory } from "./write-history.ts";

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
    expect(runs).toHaveLength(21);
    expect(new Set(runs.map(({ kind }) => kind))).toEqual(new Set(["report", "scenarios", "gate", "chaos"]));
    expect(runs.map(({ startedAt }) => startedAt)).toEqual(runs.map(({ startedAt }) => startedAt).sort());
    expect(found.problems).toHaveLength(1);
    expect(found.problems[0]).toMatch(/^chaos\/half\.json: /);
  });

  it("takes a failure from one claim, and never a pass from what is not known", () => {
    const outcomes = Object.fromEntries(found.data.runs.map(({ kind, outcome }) => [kind, outcome]));
    expect(outcomes).toEqual({ report: "measured", scenarios: "fail", gate: "unknown", chaos: "pass" });
    const startedAt = "2026-10-28T10:00:00Z";
    expect(verdictEntry("chaos", { startedAt, verdicts: [] }, "chaos/b.json").outcome).toBe("unknown");
    expect(() => verdictEntry("chaos", { startedAt: "yesterday" }, "chaos/b.json")).toThrow(
      'startedAt must be a time, got "yesterday"',
    );
  });
});

describe("the fingerprint", () => {
  const { environment } = sampleRecord();

  it("stays when only the load differs, and changes with the machine or Node", () => {
    const print = fingerprintOf(environment);
    expect(fingerprintOf({ ...environment, loadBefore: 3, stealShare: 0.5 })).toBe(print);
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
    expect(runs).toBe(21);
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
