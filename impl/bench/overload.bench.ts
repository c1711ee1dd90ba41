// What a server finishes in time when it is asked for more than it can do: GetUser offered at multiples of its capacity, whatever it answers,
// with and without overload protection, of a handler that computes and of one that waits for a pool. A call is good when it is
// answered OK within its deadline. Usage: node impl/bench/overload.bench.ts [seconds a point] [repetitions]
import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";
import { GET_USER, getUserRequest } from "./user-answer.ts";

/** Each keeps one call in flight while capacity is measured: enough for the pool, too few to be refused. */
const CONNECTIONS = 12;
const DEADLINE_MS = 250;
const WARM_UP_CALLS = 2_000;
const CAPACITY_CALLS = 1_000;
/** Offered before a point is measured. */
const SETTLING_MS = 1_000;
/** What is still open after a point is waited for, so that it does not weigh on the next. */
const MOST_DRAINING_MS = 10_000;
const LOADS = [0.5, 1, 1.5, 2, 3];

interface Point {
  readonly goodPerSecond: number;
  readonly refusedPerSecond: number;
  readonly latePerSecond: number;
  /** Of accepted calls; NaN without any. */
  readonly p99Ms: number;
}

const request = { path: GET_USER, message: getUserRequest(0), timeoutMs: DEADLINE_MS };

async function withServer<T>(
  work: string,
  links: string,
  use: (connections: readonly WireConnection[]) => Promise<T>,
): Promise<T> {
  const child = fork(new URL("overload-server.ts", import.meta.url), [work, links], {
    execArgv: ["--max-semi-space-size=16"],
  });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => connect({ host: "127.0.0.1", port })),
  );
  try {
    return await use(connections);
  } finally {
    child.disconnect();
    await once(child, "exit");
    await Promise.all(connections.map((connection) => connection.close()));
  }
}

/** Keeps a call in flight on each connection; gives calls a second. */
function closedLoop(connections: readonly WireConnection[], calls: number): Promise<number> {
  const began = performance.now();
  let left = calls;
  let open = 0;
  return new Promise((resolve) => {
    const next = (connection: WireConnection): void => {
      if (left > 0) {
        left -= 1;
        open += 1;
        connection.unary(connection.prepare({ ...request, timeoutMs: 10_000 }), () => {
          open -= 1;
          next(connection);
        });
      } else if (open === 0) resolve((calls * 1_000) / (performance.now() - began));
    };
    for (const connection of connections) next(connection);
  });
}

/** Independent callers: each call is sent when it is due and timed from then, however late the others are. */
function openLoop(
  connections: readonly WireConnection[],
  perSecond: number,
  seconds: number,
): Promise<Point> {
  const began = performance.now();
  const measuredFrom = began + SETTLING_MS;
  const end = measuredFrom + seconds * 1_000;
  const accepted: number[] = [];
  let [good, refused, late, sent, open, due] = [0, 0, 0, 0, 0, began];
  const send = (dueAt: number): void => {
    const connection = connections[sent++ % connections.length];
    open += 1;
    connection?.unary(connection.prepare(request), ({ grpcStatus }) => {
      open -= 1;
      const ms = performance.now() - dueAt;
      if (dueAt < measuredFrom) return;
      if (grpcStatus === 0) accepted.push(ms);
      if (grpcStatus === 0 && ms <= DEADLINE_MS) good += 1;
      else if (grpcStatus === 14) refused += 1;
      else late += 1;
    });
  };
  return new Promise((resolve) => {
    const turn = (): void => {
      const now = performance.now();
      for (; due <= now && due < end; due += (-Math.log(1 - Math.random()) * 1_000) / perSecond) send(due);
      if (now < end) setTimeout(turn, 1);
      else if (open > 0 && now < end + MOST_DRAINING_MS) setTimeout(turn, 10);
      else resolve(point());
    };
    const point = (): Point => {
      const sorted = accepted.toSorted((a, b) => a - b);
      return {
        goodPerSecond: good / seconds,
        refusedPerSecond: refused / seconds,
        latePerSecond: late / seconds,
        p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
      };
    };
    turn();
  });
}

/** The points of one server, each beside the capacity that it has just then: a machine may be faster a second later. */
function measure(work: string, links: string, seconds: number): Promise<readonly Measured[]> {
  return withServer(work, links, async (connections) => {
    await closedLoop(connections, WARM_UP_CALLS);
    const points: Measured[] = [];
    for (const load of LOADS) {
      const capacity = await closedLoop(connections, CAPACITY_CALLS);
      const { goodPerSecond, refusedPerSecond, latePerSecond, p99Ms } = await openLoop(
        connections,
        load * capacity,
        seconds,
      );
      const at = {
        capacity,
        good: (100 * goodPerSecond) / capacity,
        refused: (100 * refusedPerSecond) / capacity,
        late: (100 * latePerSecond) / capacity,
        p99Ms,
      };
      points.push(at);
      const good = `${at.good.toFixed(0)} % of ${capacity.toFixed(0)}/s good, p99 ${p99Ms.toFixed(0)} ms`;
      process.stderr.write(`${work}, ${links}, offered ${load}: ${good}\n`);
    }
    return points;
  });
}

/** In percent of the capacity but for the first and the last. */
interface Measured {
  readonly capacity: number;
  readonly good: number;
  readonly refused: number;
  readonly late: number;
  readonly p99Ms: number;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const [seconds = 3, repetitions = 3] = process.argv.slice(2).map(Number);
const rows: string[] = [];
for (const work of ["cpu", "pool"]) {
  const runs: Record<string, Array<readonly Measured[]>> = { without: [], with: [] };
  for (let i = 0; i < repetitions; i++) {
    runs.without?.push(await measure(work, "deadline", seconds));
    runs.with?.push(await measure(work, "overload,deadline", seconds));
  }
  for (const [protection, of] of Object.entries(runs)) {
    for (const [at, load] of LOADS.entries()) {
      const cell = (what: keyof Measured): string =>
        String(Math.round(median(of.map((run) => run[at]?.[what] ?? 0))));
      const cells = (["capacity", "good", "refused", "late", "p99Ms"] as const).map(cell);
      rows.push(`| ${work} | ${protection} | ${load} | ${cells.join(" | ")} |`);
    }
  }
}
process.stdout.write(
  [
    "| handler | protection | offered / capacity | capacity/s | good, % of capacity | refused, % | late, % | p99 of accepted, ms |",
    "|---|---|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n"),
);
