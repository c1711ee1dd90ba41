// A running system whose counters move by the same step with every reading: 100 ms, 100 calls, 5000 µs of CPU, 42 kB a call, 25 queries,
// and 75 hits and 25 misses of its cache. Its calls are answered by whoever listens on the port.

import type { CpuProfile } from "#harness/sut/cpu-profile.ts";
import type { RuntimeSnapshot } from "#harness/sut/runtime-snapshot.ts";
import type { RunningSystem } from "#harness/sut/start-system.ts";

const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: { functionName: "(root)", url: "", lineNumber: -1 }, children: [2] },
    { id: 2, callFrame: { functionName: "answer", url: "impl/answer.ts", lineNumber: 4 } },
  ],
  samples: [2, 2],
  timeDeltas: [500, 500],
  startTime: 0,
};

export function fakeSystem(name: string, port: number, onStop: () => void = () => {}): RunningSystem {
  let readings = 0;
  let scrapes = 0;
  const runtime = async (): Promise<RuntimeSnapshot> => {
    readings++;
    return {
      pid: 1,
      node: "v24",
      v8: "13",
      execArgv: [],
      cpuMicros: 5000 * readings,
      allocatedBytes: 4_200_000 * readings,
      gcCount: 0,
      gcMajorCount: 0,
      gcPauseMicros: 0,
      loopActive: 5 * readings,
      loopIdle: 95 * readings,
      loopDelay: { count: 10 * readings, sumMs: 2 * readings },
      rssBytes: 0,
      heapUsedBytes: 0,
      calls: 100 * readings,
      databaseQueries: 25 * readings,
      databaseUrl: undefined,
    };
  };
  const metrics = async () => {
    scrapes++;
    const label = '{method="x"}';
    return `response_cache_hits_total${label} ${75 * scrapes}\nresponse_cache_misses_total${label} ${25 * scrapes}\n`;
  };
  return {
    name,
    grpc: { host: "127.0.0.1", port },
    admin: "",
    pid: 1,
    startMs: 1,
    ended: new Promise(() => {}),
    runtime,
    metrics,
    profile: async () => profile,
    logTail: () => "",
    stop: async () => {
      onStop();
      return "stopped";
    },
  };
}
