import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { htmlReport } from "./html-report.ts";
import { markdownReport } from "./markdown-report.ts";
import { change } from "./phrases.ts";
import type { ReportRecord } from "./report-record.ts";
import { findings } from "./summary.ts";
import { sampleRecord } from "./testing/sample-record.ts";
import { InvalidReportError, validateReport } from "./validate-report.ts";
import { runId, writeReport } from "./write-report.ts";

describe("the schema", () => {
  it("accepts a whole record as JSON holds it", () => {
    expect(() => validateReport(JSON.parse(JSON.stringify(sampleRecord())))).not.toThrow();
  });

  it.each([
    ["an unknown verdict", (r: ReportRecord) => ({ ...r, effects: [{ ...r.effects[0], verdict: "great" }] })],
    ["a field nobody declared", (r: ReportRecord) => ({ ...r, surprise: 1 })],
    ["another version", (r: ReportRecord) => ({ ...r, schemaVersion: 2 })],
    ["a slice without its values", (r: ReportRecord) => ({ ...r, slices: [{ ...r.slices[0], values: {} }] })],
  ])("refuses %s", (_, broken) => {
    expect(() => validateReport(JSON.parse(JSON.stringify(broken(sampleRecord()))))).toThrow(
      InvalidReportError,
    );
  });
});

describe("the findings", () => {
  const found = findings(sampleRecord());
  const of = (subject: string) => found.find((finding) => finding.subject === subject);

  it("say that compression costs where it costs, and what it saves beside", () => {
    const finding = of("Response compression on 16 kB search pages over loopback");
    expect(finding?.outcome).toBe("saves and costs");
    expect(finding?.clauses.find((clause) => clause.kind === "costs")?.text).toMatch(/throughput −2\d %/);
    expect(finding?.clauses.find((clause) => clause.kind === "saves")?.text).toMatch(
      /wire bytes per call ÷5/,
    );
  });

  it("say that no effect was seen, with what could have been", () => {
    const finding = of("Response compression on hot reads over loopback");
    const unseen = finding?.clauses.find((clause) => clause.kind === "no effect seen");
    expect(unseen?.text).toMatch(/smallest detectable \d/);
    expect(found.some((one) => /\bno effect\b(?! seen)/.test(one.outcome))).toBe(false);
  });

  it("say not known, and nothing else, when too few restarts are valid", () => {
    const record = sampleRecord();
    const effects = record.effects.map((e) => ({
      ...e,
      ratio: null,
      low: null,
      high: null,
      verdict: "unknown" as const,
    }));
    for (const finding of findings({ ...record, effects })) expect(finding.outcome).toBe("not known");
  });
});

describe.each([
  ["the page", htmlReport],
  ["the Markdown", markdownReport],
])("%s", (_, render) => {
  const text = render(sampleRecord());

  it("says the same findings, the negative ones too", () => {
    expect(text).toContain("Response compression on 16 kB search pages over loopback: saves and costs");
    expect(text).toMatch(/throughput −2\d % \(−/);
    expect(text).toMatch(/smallest detectable/);
  });

  it("says that it was a quick run, that slices did not count, and what to beware of", () => {
    expect(text).toContain("quick run");
    expect(text).toMatch(/1 of 800/);
    expect(text).toContain("The machine was busy: load 1.9 on 2 cores.");
  });

  it("says what was checked on the commit, and never folds away what does not hold", () => {
    expect(text).toContain("scenarios: 1 of 2 hold (make scenarios SEED=5, 2026-11-24 08:00 UTC)");
    expect(text).toMatch(/fail(<\/span>|\*\*:) a rule/);
  });

  it("shows where the server's CPU goes", () => {
    expect(text).toMatch(/2 s and 4.000 samples of the arm/);
    expect(text).toContain("impl/runtime/pipeline.ts:40");
  });

  it("names commit, command, environment and the rows left out", () => {
    expect(text).toContain("make report QUICK=1 SEED=42");
    expect(text).toContain("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d");
    expect(text).toContain("v24.21.0");
    expect(text).toContain("price is zero");
    expect(text).toContain("2010-12-01.csv:17");
  });
});

describe("the page alone", () => {
  const page = htmlReport(sampleRecord());

  it("needs nothing from anywhere: no script, no link, no address", () => {
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|https?:\/\//);
  });

  it("has a forest plot and a latency chart for each scenario and names the invalid slice", () => {
    expect(page.match(/aria-label="Effects on /g)).toHaveLength(4);
    expect(page.match(/aria-label="Latency of /g)).toHaveLength(4);
    expect(page).toContain("generator busy 83 %, limit 70 %");
  });

  it("has the course of the run and a flame graph, and links the profile beside it", () => {
    expect(page.match(/aria-label="[^"]*, over the run"/g)).toHaveLength(2 * 6 + 2 * 3 + 2);
    expect(page).toContain('aria-label="Flame graph of the server&#39;s CPU under load"');
    expect(page).toContain('href="server.cpuprofile"');
    expect(page).toContain("Map&lt;string&gt;.get\nimpl/runtime/pipeline.ts:40\n50% of the busy time");
  });

  it("leaves out what an older record does not have", () => {
    const { profile: _, checks: __, ...rest } = sampleRecord();
    const slices = rest.slices.map(({ startedAtMs: _at, process: _use, ...slice }) => slice);
    const old = { ...rest, slices };
    expect(() => validateReport(JSON.parse(JSON.stringify(old)))).not.toThrow();
    const text = htmlReport(old);
    expect(text).not.toContain("The course of the run");
    expect(text).not.toContain("Flame graph");
    expect(text).toContain("Nothing was checked on this commit");
  });

  it("escapes what came from outside", () => {
    expect(page).toContain("Example 9000 &lt;8 cores&gt;");
    expect(page).not.toContain("<8 cores>");
    expect(page).not.toMatch(/NaN|undefined|\[object/);
  });
});

describe("changes in words", () => {
  it.each([
    [0.62, "−38 %"],
    [1.041, "+4.1 %"],
    [3.21, "×3.21"],
    [0.4, "÷2.5"],
    [1, "+0.0 %"],
  ])("%f is %s", (ratio, words) => {
    expect(change(ratio)).toBe(words);
  });
});

describe("writing", () => {
  it("puts the files into the run's folder and returns the record's path", async () => {
    const directory = await mkdtemp(join(tmpdir(), "reports-"));
    try {
      const file = await writeReport(directory, sampleRecord(), { "server.cpuprofile": "{}" });
      expect(file).toBe(join(directory, sampleRecord().run.id, "report.json"));
      expect(JSON.parse(await readFile(file, "utf8"))).toEqual(JSON.parse(JSON.stringify(sampleRecord())));
      expect((await readdir(join(file, ".."))).sort()).toEqual([
        "index.html",
        "report.json",
        "report.md",
        "server.cpuprofile",
      ]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("makes no report of an invalid record, and keeps what was measured", async () => {
    const directory = await mkdtemp(join(tmpdir(), "reports-"));
    try {
      const broken = { ...sampleRecord(), warnings: [Number.NaN as unknown as string] };
      await expect(writeReport(directory, broken)).rejects.toBeInstanceOf(InvalidReportError);
      expect(await readdir(directory)).toEqual([`refused-${broken.run.id}.json`]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("names a run by UTC time, commit and mode", () => {
    const at = new Date("2026-11-24T09:15:07.123Z");
    expect(runId(at, "1a2b3c4d5e", true)).toBe("20261124-091507-1a2b3c4-quick");
    expect(runId(at, "", false)).toBe("20261124-091507-nocommit");
  });
});
