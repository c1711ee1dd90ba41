// The plain facts of a run as pairs of name and value: its design, its environment, its generator, its data.

import { linkLabel, number, scenarioLabel } from "./phrases.ts";
import type { ReportRecord } from "./report-record.ts";

export type Fact = readonly [name: string, value: string];

export function designFacts({ design, run, restarts }: ReportRecord): Fact[] {
  const { link } = design;
  return [
    ["arms", design.arms.map((arm) => arm.label).join(", ")],
    [
      "server settings",
      Object.entries(design.serverSettings)
        .map(([name, value]) => `${name}=${value}`)
        .join(" "),
    ],
    [
      "restarts",
      `${restarts.length} of ${design.restartsPlanned} planned; each starts every arm as a fresh process in random order`,
    ],
    [
      "rounds in a restart",
      `${design.rounds} per workload and phase over loopback, ${design.shapedRounds} over the shaped link; arms in random order`,
    ],
    ["throughput slices", `${design.throughputSliceMs} ms, closed loop`],
    ["latency slices", `${design.latencySliceMs} ms, open loop, Poisson, latency from the intended time`],
    [
      linkLabel.shaped,
      `${number(link.delayMs)} ms each way, ${number(link.bitsPerSecond / 1e6)} Mbit/s, shaped in user space; slices of ${design.shapedSliceMs} ms`,
    ],
    [
      "warm-up",
      `until CPU per call is steady, at most ${number(design.warmUpMs / 1000)} s per arm and workload`,
    ],
    [
      "confidence",
      `${design.confidence * 100} % per interval, t over restarts; error is the larger of between and within restarts`,
    ],
    ["time", `${number(run.elapsedSeconds)} s taken, ${number(design.plannedSeconds)} s planned`],
    ...design.scenarios.map(
      (scenario): Fact => [
        scenarioLabel(scenario),
        `${scenario.concurrency} calls in flight; open loop at ${number(scenario.openRate)} calls/s, from ${number(scenario.slowestCapacity)} calls/s of the slowest arm`,
      ],
    ),
  ];
}

export function environmentFacts({ environment, restarts, run }: ReportRecord): Fact[] {
  const { machine, timerJitter } = environment;
  const canaries = restarts.flatMap((restart) => [restart.canaryBefore, restart.canaryAfter]);
  const slowest = Math.min(...canaries);
  const fastest = Math.max(...canaries);
  return [
    [
      "processor",
      `${machine.cpuModel}, ${machine.cores} cores${machine.quotaCores === null ? "" : `, quota ${number(machine.quotaCores)}`}`,
    ],
    ["memory", `${number(machine.memoryBytes / 2 ** 30)} GiB`],
    ["kernel", machine.kernel],
    [
      "server's Node",
      `${environment.node}, V8 ${environment.v8}, flags ${environment.nodeFlags.join(" ") || "none"}`,
    ],
    ["commit", `${run.commit}${run.dirty ? ", with uncommitted changes" : ""}`],
    [
      "package-lock.json",
      environment.lockHash === null ? "missing" : `sha256 ${environment.lockHash.slice(0, 16)}`,
    ],
    ["cores", environment.pinning],
    ["load average", `${number(environment.loadBefore)} before, ${number(environment.loadAfter)} after`],
    ["stolen by the hypervisor", share(environment.stealShare)],
    ["time with something waiting for a CPU", share(environment.waitedShare)],
    [
      "timer lateness",
      `p50 ${number(timerJitter.p50Ms)} ms, p99 ${number(timerJitter.p99Ms)} ms, max ${number(timerJitter.maxMs)} ms`,
    ],
    [
      "speed canary",
      canaries.length === 0
        ? "not taken"
        : `${number(slowest)} to ${number(fastest)} turns/µs; slowest is ${number((1 - slowest / fastest) * 100)} % below fastest`,
    ],
  ];
}

export function generatorFacts({ generator, slices, environment }: ReportRecord): Fact[] {
  const { wireMicrosPerCall: wire, grpcJsMicrosPerCall: grpcJs } = generator;
  const facts: Fact[] = [
    [
      "utilization of the generator",
      `median ${share(generator.medianUtilization)}, highest ${share(generator.maxUtilization)}; a slice above ${share(generator.utilizationLimit)} does not count`,
    ],
    ["slices that do not count", `${generator.invalidSlices} of ${slices.length}`],
    ["placement", environment.pinning],
  ];
  if (wire === null || grpcJs === null) return [...facts, ["CPU per call", "not measured"]];
  return [
    ["CPU per call of this generator", `${number(wire)} µs`],
    [
      "CPU per call of the grpc-js client",
      `${number(grpcJs)} µs, so this generator takes ${number((wire / grpcJs) * 100)} % of it`,
    ],
    ...facts,
  ];
}

export function dataFacts({ data }: ReportRecord): Fact[] {
  const rejected = data.rejected.reduce((sum, group) => sum + group.count, 0);
  const refused = data.importErrors.reduce((sum, group) => sum + group.count, 0);
  return [
    ["source", data.source],
    ["catalogue", `${number(data.products)} products, ${number(data.customers)} customers`],
    ...data.workloads.map(
      ({ workload, description }): Fact => [
        scenarioLabel({ workload, link: "loopback" }).replace(" over loopback", ""),
        description,
      ],
    ),
    ["rows that break a rule", rejected === 0 ? "none" : number(rejected)],
    ["rows refused by the system", refused === 0 ? "none" : number(refused)],
  ];
}

function share(value: number | null): string {
  return value === null ? "unknown" : `${number(value * 100)} %`;
}
