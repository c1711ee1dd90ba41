// What the chain costs: server CPU and allocated bytes of one GetUser on a bare grpc-js server, on the runtime without links, and under the
// chain, without and with authentication and compression, in one run, turn by turn. Usage: node impl/bench/chain.bench.ts [seconds a turn] [turns]
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";
import type { PreparedRequest } from "#wire/prepared-request.ts";
import type { BenchServer, Usage } from "./server-process.ts";
import { GET_USER, getUserRequest } from "./user-answer.ts";

const CONNECTIONS = 4;
const IN_FLIGHT_PER_CONNECTION = 16;
const DISTINCT_REQUESTS = 20_000;
/** Few enough to stay in the cache. */
const HOT_REQUESTS = 100;
const WARM_UP_CALLS = 30_000;

interface Target {
  readonly name: string;
  readonly process: ChildProcess;
  readonly connections: readonly WireConnection[];
  readonly requests: readonly PreparedRequest[];
  /** Where in `requests` the next call is. */
  cursor: number;
  readonly turns: Array<{ readonly cpuMicros: number; readonly bytes: number }>;
}

/** What a service in its own network would have on: no authentication, no compression. */
const OBSERVED = "trace,metrics,log,deadline,cache,validation";

/** `links`: names of those that are on, comma separated; all when absent. */
async function start(name: string, kind: BenchServer, distinct: number, links?: string): Promise<Target> {
  const args = links === undefined ? [kind] : [kind, links];
  // As `make run` starts the system.
  const execArgv = ["--max-semi-space-size=16"];
  const child = fork(new URL("server-process.ts", import.meta.url), args, { execArgv });
  const [{ port, token }] = (await once(child, "message")) as [{ port: number; token?: string }];
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => connect({ host: "127.0.0.1", port })),
  );
  const metadata: Array<[string, string]> = token === undefined ? [] : [["authorization", `Bearer ${token}`]];
  const [first] = connections;
  if (first === undefined) throw new Error("no connection");
  const requests = Array.from({ length: distinct }, (_, index) =>
    first.prepare({ path: GET_USER, message: getUserRequest(index), metadata }),
  );
  return { name, process: child, connections, requests, cursor: 0, turns: [] };
}

async function usage(target: Target): Promise<Usage> {
  target.process.send("usage");
  const [message] = (await once(target.process, "message")) as [Usage];
  return message;
}

/** Keeps a fixed number of calls in flight until `stop` says so; resolves to the number of calls made. */
function drive(target: Target, stop: (calls: number) => boolean): Promise<number> {
  let calls = 0;
  let open = 0;
  return new Promise((resolve, reject) => {
    const next = (connection: WireConnection): void => {
      const request = target.requests[target.cursor++ % target.requests.length];
      if (request === undefined) throw new Error("no request");
      open++;
      connection.unary(request, (result) => {
        open--;
        calls++;
        if (result.grpcStatus !== 0) reject(new Error(`${target.name}: status ${result.grpcStatus}`));
        else if (!stop(calls)) next(connection);
        else if (open === 0) resolve(calls);
      });
    };
    for (const connection of target.connections) {
      for (let i = 0; i < IN_FLIGHT_PER_CONNECTION; i++) next(connection);
    }
  });
}

async function turn(target: Target, seconds: number): Promise<void> {
  const before = await usage(target);
  const until = performance.now() + seconds * 1_000;
  const calls = await drive(target, () => performance.now() >= until);
  const after = await usage(target);
  target.turns.push({
    cpuMicros: (after.cpuMicros - before.cpuMicros) / calls,
    bytes: (after.allocatedBytes - before.allocatedBytes) / calls,
  });
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** The median over turns of this target's figure against the bare server's in the same turn. */
function ratio(target: Target, bare: Target): number {
  return median(target.turns.map(({ cpuMicros }, i) => cpuMicros / (bare.turns[i]?.cpuMicros ?? Number.NaN)));
}

const [seconds = 1.5, turns = 9] = process.argv.slice(2).map(Number);
const targets = [
  await start("bare grpc-js", "bare", DISTINCT_REQUESTS),
  await start("runtime, no links", "runtime", DISTINCT_REQUESTS),
  await start("chain, method not cacheable", "uncached", DISTINCT_REQUESTS, OBSERVED),
  await start("chain, all hits", "chain", HOT_REQUESTS, OBSERVED),
  await start("chain, all misses, stored", "chain", DISTINCT_REQUESTS, OBSERVED),
  await start("with auth and compression, not cacheable", "uncached", DISTINCT_REQUESTS),
  await start("with auth and compression, all hits", "chain", HOT_REQUESTS),
  await start("with auth and compression, all misses, stored", "chain", DISTINCT_REQUESTS),
];
const [bare] = targets;
if (bare === undefined) throw new Error("nothing to compare with");
for (const target of targets) await drive(target, (calls) => calls >= WARM_UP_CALLS);
for (let i = 0; i < turns; i++) {
  process.stderr.write(`turn ${i + 1}/${turns}\r`);
  for (const target of i % 2 === 0 ? targets : targets.toReversed()) await turn(target, seconds);
}
const lines = targets.map((target) => {
  const cpu = median(target.turns.map(({ cpuMicros }) => cpuMicros));
  const bytes = median(target.turns.map((t) => t.bytes));
  return `| ${target.name} | ${cpu.toFixed(1)} | ${ratio(target, bare).toFixed(2)} | ${Math.round(bytes)} |`;
});
process.stdout.write(
  [
    "| server of GetUser | CPU us/call | x bare (paired) | allocated B/call |",
    "|---|---|---|---|",
    ...lines,
    "",
  ].join("\n"),
);
for (const target of targets) {
  await Promise.all(target.connections.map((connection) => connection.close()));
  target.process.disconnect();
}
