// What each link adds to a call: time and allocated bytes over a chain without links, in one process, on a GetUser whose handler answers
// asynchronously from memory. Usage: node impl/bench/links.bench.ts
import { Bench } from "tinybench";
import { CHAIN_ORDER } from "#impl/middleware/chain.ts";
import { startAllocationCounter } from "#impl/observability/allocation-counter.ts";
import { createErrorBoundary } from "#impl/runtime/boundary.ts";
import { Call, type CallEnvironment, type RequestMetadata } from "#impl/runtime/call.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { dispatch } from "#impl/runtime/dispatch.ts";
import { compose, type Handler, type Link } from "#impl/runtime/handler.ts";
import { implement } from "#impl/runtime/service.ts";
import { ecommerceSchema, recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { createBenchChain } from "./bench-chain.ts";
import { answer, GET_USER, getUserRequest } from "./user-answer.ts";

const DISTINCT_REQUESTS = 20_000;
const ALLOCATION_CALLS = 20_000;

interface Case {
  readonly name: string;
  readonly handler: Handler;
  readonly requests: readonly Uint8Array[];
  /** They take turns; default one and the same. */
  readonly callers?: readonly RequestMetadata[];
}

const schema = ecommerceSchema();
const { only, token, tokens, output } = await createBenchChain(schema);
const method = known(schema.methods.get(GET_USER));
const service = known(
  implement(UserServiceDefinition, { getUser: async ({ userId }) => answer(userId) }).get(GET_USER),
);
const environment: CallEnvironment = {
  clock: systemClock,
  log: recordingLogger([]),
  boundary: createErrorBoundary({ domain: "bench.example.com" }),
};
function metadataWith(accessToken: string): RequestMetadata {
  const sent = new Map([
    ["authorization", `Bearer ${accessToken}`],
    ["x-accept-encoding", "gzip"],
  ]);
  return { get: (key) => sent.get(key) };
}

const oneCaller = [metadataWith(token)];
const manyCallers = (await tokens()).map(metadataWith);

const distinct = Array.from({ length: DISTINCT_REQUESTS }, (_, index) => getUserRequest(index));
const few = distinct.slice(0, 100);
const on = (links: readonly Link[]): Handler => compose(links, method, service);
const cases: Case[] = [
  { name: "no link", handler: on([]), requests: distinct },
  ...CHAIN_ORDER.filter((name) => name !== "cache").map((name) => ({
    name,
    handler: on(only(name)),
    requests: distinct,
  })),
  { name: "auth, token verified anew", handler: on(only("auth")), requests: distinct, callers: manyCallers },
  { name: "cache, miss", handler: on(only("cache")), requests: distinct },
  { name: "cache, hit", handler: on(only("cache")), requests: few },
  { name: "whole chain, miss", handler: on(only(...CHAIN_ORDER)), requests: distinct },
  { name: "whole chain, hit", handler: on(only(...CHAIN_ORDER)), requests: few },
];

/** From headers to status, as the transport does it; resolves when the call has ended. */
function run({ handler, requests, callers = oneCaller }: Case, turn: number): Promise<void> {
  const request = requests[turn % requests.length] ?? new Uint8Array();
  const metadata = known(callers[turn % callers.length]);
  const call = new Call(method, metadata, "127.0.0.1:54321", Number.POSITIVE_INFINITY, environment);
  call.receivedBytes = request.byteLength;
  return new Promise((resolve) => {
    call.onFinish(() => resolve());
    dispatch(handler, call, request, { send() {} });
  });
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("something of the benchmark is not there");
  return value;
}

async function allocatedBytes(benchCase: Case): Promise<number> {
  const counter = startAllocationCounter(systemClock);
  const before = counter.read();
  for (let i = 0; i < ALLOCATION_CALLS; i++) await run(benchCase, i);
  const bytes = (counter.read() - before) / ALLOCATION_CALLS;
  counter.close();
  return bytes;
}

const bench = new Bench({ time: 1_000, warmupTime: 500, throws: true });
for (const benchCase of cases) {
  let turn = 0;
  bench.add(benchCase.name, () => run(benchCase, turn++));
}
await bench.run();

const rows: string[] = [];
let base: { us: number; bytes: number } | undefined;
for (const [index, benchCase] of cases.entries()) {
  const result = bench.tasks[index]?.result;
  if (result === undefined || !("latency" in result)) throw new Error(`${benchCase.name} has no result`);
  const measured = { us: result.latency.p50 * 1_000, bytes: await allocatedBytes(benchCase) };
  base ??= measured;
  const us = measured.us - base.us;
  rows.push(
    measured === base
      ? `| ${benchCase.name} | ${base.us.toFixed(2)} (whole call) | ${Math.round(base.bytes)} (whole call) |`
      : `| ${benchCase.name} | ${us >= 0 ? "+" : ""}${us.toFixed(2)} | +${Math.round(measured.bytes - base.bytes)} |`,
  );
}
process.stdout.write(
  ["| link | median us/call | allocated B/call |", "|---|---|---|", ...rows, ""].join("\n"),
);
await output.close();
