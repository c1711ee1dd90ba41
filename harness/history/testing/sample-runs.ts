// A folder of reports made by hand: two machines, a level that changes, verdicts of each kind, and a file that is no run.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { seededRandom } from "#harness/random/seeded-random.ts";
import type { ReportRecord } from "#harness/report/report-record.ts";
import { sampleRecord } from "#harness/report/testing/sample-record.ts";

export interface SampleRuns {
  /** Runs on the first machine, of which the last half is faster. */
  readonly runs: number;
}

/** Two more runs are on another machine; one of the scenarios, one of the gate, one of chaos and two of load. */
export async function sampleRuns(directory: string, { runs }: SampleRuns): Promise<void> {
  const random = seededRandom(5);
  const base = { ...sampleRecord(), slices: [] };
  const write = async (file: string, value: unknown): Promise<void> => {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await writeFile(join(directory, file), typeof value === "string" ? value : JSON.stringify(value));
  };
  for (let day = 1; day <= runs + 2; day++) {
    const other = day > runs;
    const speed = (day > runs / 2 ? 1.3 : 1) * (1 + 0.04 * random.next());
    const record = sampleRun(base, day, speed, other ? "Other 1" : "Example 9000 <8 cores>");
    await write(`${record.run.id}/report.json`, record);
  }
  const startedAt = "2026-10-28T10:00:00.000Z";
  await write("scenarios/2026-10-28.json", {
    startedAt,
    seed: 5,
    command: "make scenarios SEED=5",
    results: [
      { claim: "stock adds up", verdict: "PASS" },
      { claim: "a broken rule is named </script>", verdict: "FAIL", notes: ["it was not <named>"] },
      { claim: "needs a cluster", verdict: "SKIP" },
    ],
  });
  await write("gate/a/gate.json", {
    startedAt,
    command: "make gate",
    commits: { base: "old", head: "abc" },
    verdict: {
      outcome: "INCONCLUSIVE",
      timing: [{ metric: { id: "p50", label: "median latency" }, outcome: "INCONCLUSIVE" }],
      counters: [],
    },
  });
  await write("chaos/a.json", {
    startedAt,
    verdicts: [{ claim: "orders survive", outcome: "pass" }],
    command: "make chaos",
    commit: "abc",
  });
  const { machine, node, v8, nodeFlags } = base.environment;
  for (const [day, outcome, value] of [
    [29, "fail", 8],
    [30, "pass", 9],
  ] as const) {
    const series = {
      workload: "load: browse",
      metric: "p99",
      unit: "ms",
      better: "lower",
      subject: "all calls",
    };
    await write(`load/${day}.json`, {
      startedAt: `2026-10-${day}T10:00:00.000Z`,
      command: "make load SCRIPT=browse",
      commit: "abc",
      verdicts: [{ claim: "browse keeps its thresholds", outcome }],
      environment: { machine, node, v8, nodeFlags, pinning: "none" },
      measured: [{ ...series, value }],
    });
  }
  await write("chaos/half.json", '{"startedAt":');
}

function sampleRun(base: ReportRecord, day: number, speed: number, cpuModel: string): ReportRecord {
  const date = `2026-10-${String(day).padStart(2, "0")}`;
  const { environment } = base;
  return {
    ...base,
    run: {
      ...base.run,
      id: `${date.replaceAll("-", "")}-091500-1a2b3c4`,
      startedAt: `${date}T09:15:00.000Z`,
      quick: false,
    },
    environment: { ...environment, machine: { ...environment.machine, cpuModel } },
    levels: base.levels.map((level) =>
      level.metric === "callsPerSecond" && level.value !== null
        ? {
            ...level,
            value: level.value * speed,
            low: level.value * speed * 0.98,
            high: level.value * speed * 1.02,
          }
        : level,
    ),
  };
}
