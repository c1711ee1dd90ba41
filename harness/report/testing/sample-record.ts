// A record made by hand, through the real analysis: caching helps, compression costs on loopback and saves bytes, one slice
// does not count. For tests of the renderings, and for looking at the page without a run.

import { analyseEffects, analyseLevels } from "#harness/experiment/analyse.ts";
import { arms } from "#harness/experiment/arms.ts";
import type { Scenario, SliceRecord } from "#harness/experiment/slice-record.ts";
import { madeSlices } from "#harness/experiment/testing/made-slices.ts";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { effectRecord, levelRecord } from "../effect-records.ts";
import type { DistributionRecord, ReportRecord } from "../report-record.ts";

const scenarios: readonly Scenario[] = [
  { workload: "hot-reads", link: "loopback" },
  { workload: "search-pages", link: "loopback" },
  { workload: "hot-reads", link: "shaped" },
  { workload: "search-pages", link: "shaped" },
];

export function sampleRecord(): ReportRecord {
  const slices = sampleSlices();
  return {
    schemaVersion: 1,
    run: {
      id: "20261124-091500-1a2b3c4-quick",
      quick: true,
      seed: 42,
      command: "make report QUICK=1 SEED=42",
      commit: "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
      dirty: true,
      startedAt: "2026-11-24T09:15:00.000Z",
      elapsedSeconds: 77.4,
    },
    environment: {
      machine: {
        cpuModel: "Example 9000 <8 cores>",
        cores: 2,
        quotaCores: null,
        memoryBytes: 8 * 2 ** 30,
        kernel: "linux 6.1.0 x64",
      },
      node: "v24.21.0",
      v8: "13.6",
      nodeFlags: ["--max-semi-space-size=16"],
      lockHash: "ab".repeat(32),
      pinning: "generator on core 0, server and database on core 1",
      loadBefore: 0.4,
      loadAfter: 1.9,
      stealShare: 0.012,
      waitedShare: null,
      timerJitter: { p50Ms: 0.08, p99Ms: 0.6, maxMs: 2.1 },
    },
    data: {
      source: "synthetic shop, seed 42, Zipf 1.0",
      products: 2000,
      customers: 500,
      workloads: [
        { workload: "hot-reads", description: "GetProduct and GetUser, 2500 distinct requests" },
        { workload: "search-pages", description: "SearchProducts, 60 distinct pages of about 16 kB" },
      ],
      rejected: [{ reason: "price is zero", count: 3, rows: ["2010-12-01.csv:17"] }],
      importErrors: [],
    },
    design: {
      arms: arms.map(({ id, label, middlewareOff }) => ({ id, label, middlewareOff })),
      serverSettings: { LOG_LEVEL: "warn" },
      restartsPlanned: 5,
      rounds: 5,
      shapedRounds: 5,
      confidence: 0.95,
      throughputSliceMs: 300,
      latencySliceMs: 400,
      shapedSliceMs: 600,
      warmUpMs: 2000,
      plannedSeconds: 82,
      link: { delayMs: 10, bitsPerSecond: 20_000_000 },
      scenarios: scenarios.map((scenario) => ({
        ...scenario,
        concurrency: 16,
        openRate: 1234,
        slowestCapacity: 2742,
      })),
    },
    effects: analyseEffects(slices, 0.95).map(effectRecord),
    levels: analyseLevels(slices, 0.95).map(levelRecord),
    distributions: scenarios.flatMap(sampleDistributions),
    generator: {
      wireMicrosPerCall: 3.1,
      grpcJsMicrosPerCall: 118,
      medianUtilization: 0.21,
      maxUtilization: 0.83,
      utilizationLimit: 0.7,
      invalidSlices: 1,
    },
    restarts: Array.from({ length: 5 }, (_, restart) => ({
      restart,
      order: arms.map((arm) => arm.id),
      seconds: 61.2,
      canaryBefore: 310,
      canaryAfter: 304,
      arms: arms.map((arm) => ({ arm: arm.id, startMs: 900, warmUpCalls: 11_000, steady: true })),
    })),
    slices,
    profile: sampleProfile,
    checks: [
      {
        kind: "scenarios",
        startedAt: "2026-11-24T08:00:00.000Z",
        command: "make scenarios SEED=5",
        dirty: false,
        verdicts: [
          { claim: "stock adds up", outcome: "pass" },
          { claim: "a rule <broken> is named", outcome: "fail" },
        ],
      },
    ],
    warnings: ["The machine was busy: load 1.9 on 2 cores."],
  };
}

function sampleSlices(): SliceRecord[] {
  const random = seededRandom(3);
  const noise = () => 1 + 0.05 * (random.next() - 0.5);
  const made = scenarios.flatMap((scenario) =>
    madeSlices({
      ...scenario,
      restarts: 5,
      rounds: 5,
      noise,
      caching: {
        callsPerSecond: 2.4,
        cpuMicrosPerCall: 0.45,
        p50Ms: 0.5,
        p99Ms: 0.7,
        databaseQueriesPerCall: 0.04,
      },
      compression:
        scenario.workload === "hot-reads"
          ? {}
          : scenario.link === "loopback"
            ? { callsPerSecond: 0.72, cpuMicrosPerCall: 1.4, p50Ms: 1.2, p99Ms: 1.3, wireBytesPerCall: 0.18 }
            : { callsPerSecond: 3.9, p50Ms: 0.6, p99Ms: 0.4 },
    }),
  );
  const began = Date.parse("2026-11-24T09:15:00.000Z");
  const timed = made.map((slice, i) => ({
    ...slice,
    startedAtMs: began + 15_000 * slice.restart + 10 * i,
    process: {
      cpuShare: 0.4 * noise(),
      gcMsPerSecond: 20 * noise(),
      loopDelayMs: noise(),
      rssBytes: 2e8 * noise(),
      heapUsedBytes: 7e7 * noise(),
    },
  }));
  return timed.map((slice, i) =>
    i === 0 ? { ...slice, generatorUtilization: 0.83, invalid: "generator busy 83 %, limit 70 %" } : slice,
  );
}

const sampleProfile: NonNullable<ReportRecord["profile"]> = {
  arm: "caching+compression",
  workloads: ["hot-reads", "search-pages"],
  seconds: 2,
  samples: 4000,
  idleShare: 0.04,
  file: "server.cpuprofile",
  frames: [
    {
      depth: 0,
      start: 0,
      share: 0.9,
      selfShare: 0.2,
      name: "onStream",
      place: "@grpc/grpc-js server.js:10",
      kind: "package",
    },
    {
      depth: 1,
      start: 0,
      share: 0.5,
      selfShare: 0.5,
      name: "Map<string>.get",
      place: "impl/runtime/pipeline.ts:40",
      kind: "own",
    },
    {
      depth: 1,
      start: 0.5,
      share: 0.2,
      selfShare: 0.2,
      name: "emit",
      place: "node:events:489",
      kind: "node",
    },
    {
      depth: 0,
      start: 0.9,
      share: 0.1,
      selfShare: 0.1,
      name: "garbage collection",
      place: "",
      kind: "engine",
    },
  ],
  hottest: [
    { selfShare: 0.5, name: "Map<string>.get", place: "impl/runtime/pipeline.ts:40", kind: "own" },
    { selfShare: 0.1, name: "garbage collection", place: "", kind: "engine" },
  ],
};

function sampleDistributions(scenario: Scenario): DistributionRecord[] {
  return arms.map((arm) => ({
    ...scenario,
    arm: arm.id,
    calls: 12_000,
    points: [0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99].map((percentile, i) => ({
      percentile,
      ms: (arm.on.includes("caching") ? 0.3 : 0.6) * (arm.on.includes("compression") ? 1.15 : 1) * 1.45 ** i,
    })),
  }));
}
