// What the gateway adds to a GetUser: its own CPU for each call under load, and the time of a call made alone, directly and through it.
// Turn by turn in one run. Usage: node impl/bench/gateway.bench.ts [seconds a turn] [turns]
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";
import type { PreparedRequest } from "#wire/prepared-request.ts";
import { GET_USER, getUserRequest } from "./user-answer.ts";

const IN_FLIGHT = 32;
const REQUESTS = 5_000;
const WARM_UP_MS = 3_000;

interface Target {
  readonly name: string;
  readonly process: ChildProcess;
  readonly connection: WireConnection;
  readonly requests: readonly PreparedRequest[];
  readonly cpuMicros: number[];
  readonly alone: number[];
}

interface Started {
  readonly port: number;
  readonly token?: string;
}

async function start(name: string, script: string, args: readonly string[]): Promise<Target & Started> {
  const child = fork(new URL(script, import.meta.url), args, { execArgv: ["--max-semi-space-size=16"] });
  const [started] = (await once(child, "message")) as [Started];
  const connection = await connect({ host: "127.0.0.1", port: started.port });
  const metadata: Array<[string, string]> =
    started.token === undefined ? [] : [["authorization", `Bearer ${started.token}`]];
  const requests = Array.from({ length: REQUESTS }, (_, index) =>
    connection.prepare({ path: GET_USER, message: getUserRequest(index), metadata }),
  );
  return { ...started, name, process: child, connection, requests, cpuMicros: [], alone: [] };
}

async function cpu({ process: child }: Target): Promise<number> {
  child.send("usage");
  const [{ cpuMicros }] = (await once(child, "message")) as [{ cpuMicros: number }];
  return cpuMicros;
}

function call({ connection, requests, name }: Target, index: number): Promise<void> {
  const request = requests[index % requests.length];
  if (request === undefined) throw new Error("no request");
  return new Promise((resolve, reject) => {
    connection.unary(request, ({ grpcStatus }) =>
      grpcStatus === 0 ? resolve() : reject(new Error(`${name}: status ${grpcStatus}`)),
    );
  });
}

/** Resolves to the number of calls made. */
async function drive(target: Target, forMs: number, inFlight: number, times?: number[]): Promise<number> {
  const end = performance.now() + forMs;
  let calls = 0;
  const worker = async (): Promise<void> => {
    for (let began = performance.now(); began < end; began = performance.now()) {
      await call(target, calls++);
      times?.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return calls;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const [seconds = 1, turns = 7] = process.argv.slice(2).map(Number);
const backend = await start("direct", "server-process.ts", ["runtime"]);
const bare = "deadline";
const whole = "trace,metrics,log,deadline,compression,auth,validation";
const targets = [
  backend,
  await start("through a gateway without links", "gateway-server.ts", [String(backend.port), bare]),
  await start("through a gateway with the chain", "gateway-server.ts", [String(backend.port), whole]),
];
for (const target of targets) await drive(target, WARM_UP_MS, IN_FLIGHT);
for (let turn = 0; turn < turns; turn++) {
  for (const target of turn % 2 === 0 ? targets : targets.toReversed()) {
    const before = await cpu(target);
    const calls = await drive(target, seconds * 1_000, IN_FLIGHT);
    target.cpuMicros.push(((await cpu(target)) - before) / calls);
    await drive(target, seconds * 300, 1, target.alone);
  }
}
process.stdout.write(
  [
    "| calls of GetUser | CPU of the process called, us | alone, median ms |",
    "|---|---|---|",
    ...targets.map(
      ({ name, cpuMicros, alone }) =>
        `| ${name} | ${median(cpuMicros).toFixed(1)} | ${median(alone).toFixed(3)} |`,
    ),
    "",
  ].join("\n"),
);
for (const { connection, process: child } of targets) {
  await connection.close();
  child.disconnect();
}
