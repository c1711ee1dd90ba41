import { describe, expect, it } from "vitest";
import { clusterProblems } from "./assemble-cluster.ts";
import { clusterFindings, clusterInShort } from "./cluster-words.ts";
import { htmlReport } from "./html-report.ts";
import { markdownReport } from "./markdown-report.ts";
import { sampleCluster } from "./testing/sample-cluster.ts";
import { sampleRecord } from "./testing/sample-record.ts";
import { validateReport } from "./validate-report.ts";

const cluster = sampleCluster();

it("the schema takes a record with the experiments of a gateway, and refuses one with a metric nobody knows", () => {
  expect(() => validateReport(JSON.parse(JSON.stringify({ ...sampleRecord(), cluster })))).not.toThrow();
  const broken = { ...cluster, levels: [{ ...cluster.levels[0], metric: "happiness" }] };
  expect(() => validateReport(JSON.parse(JSON.stringify({ ...sampleRecord(), cluster: broken })))).toThrow(
    /metric|allowed values/,
  );
});

describe("the words", () => {
  const of = (factor: string) => clusterFindings(cluster).find((finding) => finding.factor === factor);
  const text = (factor: string, kind: string) =>
    of(factor)
      ?.clauses.find((clause) => clause.kind === kind)
      ?.items.join();

  it("say where an optimization pays and where it costs", () => {
    expect(text("Pooling", "pays")).toMatch(/hot reads over loopback \(throughput within the limit \+6\d %/);
    expect(text("Balancing", "costs")).toMatch(/memory \+[12]\d %/);
  });

  it("count the scenarios in a line for each optimization", () => {
    expect(clusterInShort(cluster)).toContain(
      "Pooling at a gateway, of 6 scenarios: pays on 1, not known 5\n",
    );
  });

  it("say not known of what was not measured", () => {
    expect(text("Pooling", "not known")).toMatch(/checkout over LAN/);
  });
});

it("one block leaves no effect, and the notes say why", () => {
  const interrupted = sampleCluster(1);
  expect(interrupted.effects.every(({ verdict }) => verdict === "unknown")).toBe(true);
  expect(clusterProblems(interrupted).join("\n")).toMatch(
    /1 of 2 blocks are complete: the run was interrupted/,
  );
  expect(clusterProblems(cluster)).toEqual([
    expect.stringMatching(/bulk-orders was left out: no call was answered/),
  ]);
});

describe.each([
  ["the page", htmlReport],
  ["the Markdown", markdownReport],
])("%s", (_, render) => {
  const text = render({ ...sampleRecord(), cluster });

  it("has effects, saturation with the proof that the generator kept up, and the law", () => {
    expect(text).toContain("A gateway with replicas");
    expect(text).toMatch(/none: 400 to 440 calls\/s/);
    expect(text).toMatch(/at least 800 calls\/s; above that the generator did not keep up/);
    expect(text).toMatch(/99\.8 % of the calls sent in time, generator busy 31 % at most/);
    expect(text).toMatch(/contention σ = 0\.\d+ \(.* to .*\), coherency κ = /);
    expect(text).toContain("no law fits, a fit needs 6 points, got 2");
    expect(text).not.toMatch(/NaN|undefined|\[object/);
  });

  it("has none of it where they were not run", () => {
    expect(render(sampleRecord())).not.toContain("A gateway with replicas");
  });
});
