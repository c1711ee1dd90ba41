// What the client of many endpoints costs and buys, against replicas in processes of their own: CPU a call beside bare grpc-js; connections;
// balancers with a slow replica; attempts in an outage. Usage:
// node impl/bench/client.bench.ts [overhead] [connections] [balancers] [outage]
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { BALANCERS, type BalancerName } from "#impl/client/balancer.ts";
import { createClient } from "#impl/client/client.ts";
import { createEcommerceClient, type EcommerceClient } from "#impl/client/ecommerce-client.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { ecommerceSchema } from "#impl/runtime/testing/test-server.ts";
import { GetUserRequest, GetUserResponse, UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { GET_USER } from "./user-answer.ts";

const schema = ecommerceSchema();
const request = GetUserRequest.fromPartial({ userId: "0198a8c0-0000-7000-8000-000000000001" });

const patient = { deadlineMs: 60_000 };

interface Replica {
  readonly address: string;
  attempts(): Promise<number>;
  stop(): void;
}

async function startReplica(delayMs = 0, maxStreams = 1_000, broken = 0): Promise<Replica> {
  const child: ChildProcess = fork(new URL("replica-server.ts", import.meta.url), [
    `${delayMs}`,
    `${maxStreams}`,
    `${broken}`,
  ]);
  const [{ port }] = await once(child, "message");
  return {
    address: `127.0.0.1:${port}`,
    async attempts() {
      const answer = once(child, "message");
      child.send("attempts");
      const [{ attempts }] = await answer;
      return attempts;
    },
    stop: () => child.disconnect(),
  };
}

interface Run {
  readonly callsPerSecond: number;
  readonly cpuMicros: number;
  readonly failed: number;
  percentile(part: number): number;
}

/** `calls` calls, `concurrency` at a time. */
async function run(calls: number, concurrency: number, call: () => Promise<unknown>): Promise<Run> {
  const latencies: number[] = [];
  let left = calls;
  let failed = 0;
  const cpu = process.cpuUsage();
  const began = performance.now();
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const startedAt = performance.now();
      await call().catch(() => {
        failed += 1;
      });
      latencies.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  return {
    callsPerSecond: calls / seconds,
    cpuMicros: (user + system) / calls,
    failed,
    percentile: (part) => latencies[Math.min(calls - 1, Math.floor(calls * part))] ?? 0,
  };
}

const print = (...cells: Array<string | number>): boolean =>
  process.stdout.write(
    `${cells.map((cell) => (typeof cell === "number" ? cell.toFixed(1) : cell).padEnd(22)).join("")}\n`,
  );
const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function overhead(): Promise<void> {
  const replicas = await Promise.all([startReplica(), startReplica(), startReplica()]);
  const addresses = replicas.map(({ address }) => address);
  const [address = ""] = addresses;
  const channel = new Client(address, credentials.createInsecure(), { "grpc.enable_channelz": 0 });
  const stub = createClient(UserServiceDefinition, { channel, schema, clock: systemClock });
  const one = createEcommerceClient({ addresses: [address], schema });
  const three = createEcommerceClient({ addresses, schema });
  const encode = (message: GetUserRequest): Buffer => Buffer.from(GetUserRequest.encode(message).finish());
  const decode = (bytes: Buffer): GetUserResponse => GetUserResponse.decode(bytes);
  const bare = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const deadline = Date.now() + 5_000;
      channel.makeUnaryRequest(
        GET_USER,
        encode,
        decode,
        request,
        new Metadata(),
        { deadline },
        (error, value) => (error === null ? resolve(value) : reject(error)),
      );
    });
  const arms = {
    "bare grpc-js": bare,
    "typed stub": () => stub.getUser(request),
    "client, 1 endpoint": () => one.users.getUser(request),
    "client, 3 endpoints": () => three.users.getUser(request),
  };
  const cpu = new Map(Object.keys(arms).map((name) => [name, [] as number[]]));
  for (const call of Object.values(arms)) await run(2_000, 64, call);
  // The garbage of one arm is partly paid for by the next: the order turns round.
  const entries = Object.entries(arms);
  for (let repetition = 0; repetition < 8; repetition++) {
    for (const [name, call] of repetition % 2 === 0 ? entries : entries.toReversed()) {
      cpu.get(name)?.push((await run(4_000, 64, call)).cpuMicros);
    }
  }
  print("overhead", "CPU us a call (median of 8)");
  for (const [name, values] of cpu) print(name, median(values));
  await Promise.all([one.close(), three.close()]);
  channel.close();
  for (const replica of replicas) replica.stop();
}

async function connections(): Promise<void> {
  const replica = await startReplica(400, 100);
  print("\nconnections", "calls/s", "p50 ms", "p99 ms", "(400 at a time, 100 streams a connection, 400 ms)");
  for (const count of [1, 2, 4]) {
    const client = createEcommerceClient({
      addresses: [replica.address],
      schema,
      pool: { minConnections: count, maxConnections: count },
    });
    await run(400, 400, () => client.users.getUser(request, patient));
    const { callsPerSecond, percentile } = await run(1_600, 400, () =>
      client.users.getUser(request, patient),
    );
    print(`${count}`, callsPerSecond, percentile(0.5), percentile(0.99));
    await client.close();
  }
  const grown = createEcommerceClient({ addresses: [replica.address], schema });
  await run(400, 400, () => grown.users.getUser(request, patient));
  const { callsPerSecond, percentile } = await run(1_600, 400, () => grown.users.getUser(request, patient));
  const size = grown.stats()[0]?.connections.length;
  print(`grown from 1 to ${size}`, callsPerSecond, percentile(0.5), percentile(0.99));
  await grown.close();
  replica.stop();
}

async function balancers(): Promise<void> {
  const replicas = await Promise.all([startReplica(20), startReplica(20), startReplica(200)]);
  const addresses = replicas.map(({ address }) => address);
  print(
    "\nbalancer",
    "p50 ms",
    "p99 ms",
    "to the slow one %",
    "(3 replicas: 20, 20 and 200 ms; 6 at a time; median of 5)",
  );
  const arms: Array<readonly [string, Partial<Parameters<typeof createEcommerceClient>[0]>]> = [
    ...(Object.keys(BALANCERS) as BalancerName[]).map((balancer) => [balancer, { balancer }] as const),
    ["roundRobin, hedged", { balancer: "roundRobin", hedging: { delayMs: 60, budgetRatio: 0.5 } }],
  ];
  const clients = arms.map(([name, options]) => ({
    name,
    client: createEcommerceClient({ addresses, schema, slowStartMs: 0, ...options }),
    p50: [] as number[],
    p99: [] as number[],
  }));
  for (const { client } of clients) {
    await client.connect();
    await run(100, 6, () => client.users.getUser(request));
  }
  for (let round = 0; round < 5; round++) {
    for (const { client, p50, p99 } of clients) {
      const { percentile } = await run(200, 6, () => client.users.getUser(request));
      p50.push(percentile(0.5));
      p99.push(percentile(0.99));
    }
  }
  for (const { name, client, p50, p99 } of clients) {
    const { slow, all } = slowShare(client);
    print(name, median(p50), median(p99), (slow / all) * 100);
    await client.close();
  }
  for (const replica of replicas) replica.stop();
}

function slowShare(client: EcommerceClient): { slow: number; all: number } {
  const calls = client
    .stats()
    .map(({ connections }) => connections.reduce((sum, { calls }) => sum + calls, 0));
  return { slow: calls[2] ?? 0, all: calls.reduce((sum, each) => sum + each, 0) };
}

async function outage(): Promise<void> {
  print(
    "\noutage",
    "attempts a call",
    "us CPU a call",
    "(2 replicas answer UNAVAILABLE; 2,000 calls, 32 at a time)",
  );
  const arms = [
    ["retries without budget", { breaker: false, retry: { maxTokens: 0 } }],
    ["retry budget", { breaker: false }],
    ["retry budget, breaker", {}],
    ["hedging budget", { breaker: false, hedging: {} }],
  ] as const;
  for (const [name, options] of arms) {
    const replicas = await Promise.all([startReplica(0, 1_000, 1), startReplica(0, 1_000, 1)]);
    const client = createEcommerceClient({
      addresses: replicas.map(({ address }) => address),
      schema,
      ...options,
      retry: { initialBackoffMs: 5, maxBackoffMs: 10, ...("retry" in options ? options.retry : {}) },
    });
    const CALLS = 2_000;
    const { cpuMicros } = await run(CALLS, 32, () => client.users.getUser(request));
    const attempts = await Promise.all(replicas.map((replica) => replica.attempts()));
    const each = attempts.reduce((sum, count) => sum + count, 0) / CALLS;
    print(name, each.toFixed(3), cpuMicros);
    await client.close();
    for (const replica of replicas) replica.stop();
  }
}

const parts = { overhead, connections, balancers, outage };
const wanted = process.argv.slice(2);
for (const [name, part] of Object.entries(parts)) {
  if (wanted.length === 0 || wanted.includes(name)) await part();
}
