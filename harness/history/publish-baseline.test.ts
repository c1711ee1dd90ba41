import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sampleRecord } from "#harness/report/testing/sample-record.ts";
import { validateReport } from "#harness/report/validate-report.ts";
import { writeReport } from "#harness/report/write-report.ts";
import { publishBaseline } from "./publish-baseline.ts";
import { readRuns } from "./read-runs.ts";

let reports: string;
const earlier = "20261123-091500-0000000";
const { run, ...rest } = sampleRecord();

beforeEach(async () => {
  reports = await mkdtemp(join(tmpdir(), "baseline-"));
  await writeReport(reports, { ...rest, run: { ...run, id: earlier, quick: false, dirty: false } });
  await writeReport(reports, { ...rest, run }, { "server.cpuprofile": "{}" });
});
afterEach(() => rm(reports, { recursive: true }));

test("the latest run is copied with what stands beside it, and says how it was made", async () => {
  const { id, files, warnings } = await publishBaseline(reports, "latest");
  expect(id).toBe(run.id);
  expect(files.map(({ name }) => name)).toEqual([
    "index.html",
    "report.json",
    "report.md",
    "server.cpuprofile",
  ]);
  expect(warnings[0]).toBe("A quick run: its intervals are wide.");
  const readme = await readFile(join(reports, "baseline/README.md"), "utf8");
  expect(readme).toContain(`\`${run.command}\` at commit \`${run.commit}\``);
  expect(readme).toContain(`make baseline RUN=${run.id}`);
});

test("another takes its place, whole, and the history lists a run that stands in two folders once", async () => {
  await publishBaseline(reports, "latest");
  await publishBaseline(reports, earlier);
  expect((await readdir(join(reports, "baseline"))).sort()).toEqual([
    "README.md",
    "index.html",
    "report.json",
    "report.md",
  ]);
  const { runs } = (await readRuns(reports)).data;
  expect(runs.map(({ id, baseline, link }) => [id, baseline, link])).toEqual([
    [earlier, true, "baseline/index.html"],
    [run.id, false, `${run.id}/index.html`],
  ]);
});

test("a record that is too large is published without its raw slices, and says so", async () => {
  const { withoutSlices } = await publishBaseline(reports, "latest", { maxRecordBytes: 1000 });
  expect(withoutSlices).toBe(true);
  const record = JSON.parse(await readFile(join(reports, "baseline/report.json"), "utf8"));
  expect(() => validateReport(record)).not.toThrow();
  expect(record.slices).toEqual([]);
  expect(record.effects).toHaveLength(rest.effects.length);
  expect(await readFile(join(reports, "baseline/README.md"), "utf8")).toContain("raw slices are not in");
});

test("a run that is not there is refused with those that are", async () => {
  await expect(publishBaseline(reports, "20200101-000000-x")).rejects.toThrow(
    `RUN=20200101-000000-x: must be latest or the name of a run in reports/; there are ${earlier}, ${run.id}`,
  );
  expect((await readdir(reports)).sort()).toEqual([earlier, run.id]);
});
