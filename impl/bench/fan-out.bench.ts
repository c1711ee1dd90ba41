// Many streams of product updates on one server process: what memory each costs, and how long after the commit of a change the last of
// those that follow the product hears of it, when all do and when one does.
// Usage: node impl/bench/fan-out.bench.ts [streams] [connections]
import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startEmbeddedPostgres } from "#impl/storage/embedded-postgres.ts";
import { silentLog } from "#impl/storage/storage-log.ts";
import { StreamProductUpdatesRequest } from "#proto/ecommerce/v1/product_service.ts";
import { connect } from "#wire/client.ts";
import type { FanOutAnswer, FanOutRequest } from "./fan-out-server.ts";

const [streams = 10_000, connections = 20] = process.argv.slice(2).map(Number);
const CHANGES = 9;
const common = randomUUID();

class Server {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  async ask(request: FanOutRequest): Promise<FanOutAnswer> {
    const answered = once(this.#child, "message");
    this.#child.send(request);
    const [answer] = await answered;
    return answer;
  }

  async stop(): Promise<void> {
    this.#child.disconnect();
    await once(this.#child, "exit");
  }
}

/** Tells when each message came. */
type Arrivals = { count: number; last: bigint };

async function openStreams(port: number, arrivals: Arrivals, productIds: readonly string[]) {
  const opened = await Promise.all(
    Array.from({ length: connections }, () => connect({ host: "127.0.0.1", port })),
  );
  for (const [n, productId] of productIds.entries()) {
    const connection = opened[n % connections];
    const filter = { productIds: [common, productId], category: "", priceRange: undefined };
    const stream = await connection?.open({ path: "/ecommerce.v1.ProductService/StreamProductUpdates" });
    const heartbeatInterval = { seconds: 300n, nanos: 0 };
    const request = StreamProductUpdatesRequest.fromPartial({ filter, heartbeatInterval });
    void stream?.send(StreamProductUpdatesRequest.encode(request).finish());
    stream?.end();
    void (async () => {
      for await (const _ of stream?.messages ?? []) {
        arrivals.count += 1;
        arrivals.last = process.hrtime.bigint();
      }
      const { grpcStatus, grpcMessage } = (await stream?.outcome) ?? {};
      if (grpcStatus !== 1 && grpcStatus !== 14)
        throw new Error(`a stream ended: ${grpcStatus} ${grpcMessage}`);
    })();
    if (n % 100 === 99) await wait(5);
  }
  return async () => {
    await Promise.all(opened.map((connection) => connection.close()));
  };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await wait(2);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/**
 * Milliseconds from the commit of a change to its last arrival, the server's CPU milliseconds for it, and the longest for which it did
 * nothing else.
 */
async function delays(server: Server, arrivals: Arrivals, productId: string, expected: number) {
  const took: number[] = [];
  const cpu: number[] = [];
  const pauses: number[] = [];
  for (let n = 0; n < CHANGES; n++) {
    const before = await server.ask("usage");
    arrivals.count = 0;
    const { committedAt } = await server.ask({ change: productId });
    await until(() => arrivals.count === expected);
    took.push(Number(arrivals.last - BigInt(committedAt)) / 1e6);
    await wait(50);
    const after = await server.ask("usage");
    cpu.push((after.cpuMicros - before.cpuMicros) / 1e3);
    pauses.push(after.longestPauseMs);
  }
  return { ms: median(took), cpuMs: median(cpu), pauseMs: median(pauses) };
}

async function measure(url: string, links: string, stream: string): Promise<void> {
  const script = new URL("./fan-out-server.ts", import.meta.url).pathname;
  const child = fork(script, [url, links, stream], { execArgv: ["--expose-gc"] });
  const [{ port }] = await once(child, "message");
  const server = new Server(child);
  const arrivals = { count: 0, last: 0n };
  // So that what is made once is there before it counts.
  const ids = Array.from({ length: streams }, () => randomUUID());
  const warm = await openStreams(port, arrivals, ids.slice(0, connections));
  await server.ask({ change: common });
  await until(async () => (await server.ask("usage")).streams === connections);
  await wait(500);
  const before = await server.ask("memory");
  const began = performance.now();
  const close = await openStreams(port, arrivals, ids);
  await until(async () => (await server.ask("usage")).streams === connections + streams);
  const openedMs = performance.now() - began;
  await wait(1_000);
  const after = await server.ask("memory");
  const each = (of: "heapBytes" | "externalBytes" | "rssBytes") =>
    `${((after[of] - before[of]) / streams / 1024).toFixed(1)} KiB ${of.replace("Bytes", "")}`;
  say(
    `${links}, ${stream}: a stream costs ${each("heapBytes")}, ${each("externalBytes")}, ${each("rssBytes")}; opened in ${openedMs.toFixed(0)} ms`,
  );
  if (stream !== "idle") {
    const all = await delays(server, arrivals, common, streams + connections);
    const one = await delays(server, arrivals, ids.at(-1) ?? "", 1);
    say(
      `  a change reaches the last of ${streams + connections} after ${all.ms.toFixed(0)} ms (${all.cpuMs.toFixed(0)} ms CPU, pauses of up to ${all.pauseMs.toFixed(0)} ms), and the one that follows it after ${one.ms.toFixed(2)} ms`,
    );
  }
  await warm();
  await close();
  await server.stop();
}

const dataDir = await mkdtemp(join(tmpdir(), "fan-out-"));
const postgres = await startEmbeddedPostgres({ dataDir, sleep: wait, log: silentLog });
try {
  if (process.argv[4] === undefined) await measure(postgres.url, "none", "idle");
  await measure(postgres.url, "none", "updates");
  await measure(postgres.url, "chain", "updates");
} finally {
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}
