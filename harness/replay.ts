// `make replay`: real sales through a fresh system, to the penny. Progress goes to standard error; the last line of standard output is
// one JSON object of what the services say afterwards. Ends with 1 when any figure is not the files' own, with 130 when interrupted.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "#wire/client.ts";
import { abortOnSignals } from "./abort-on-signals.ts";
import { planTrace } from "./replay/plan-trace.ts";
import { differences, expectedTotals, totalsLine } from "./replay/replay-totals.ts";
import { type Replayed, replayTrace } from "./replay/replay-trace.ts";
import { spanSeconds } from "./replay/schedule.ts";
import { type ReplaySettings, readReplaySettings } from "./replay-settings.ts";
import { createProgress } from "./report/progress.ts";
import { OPERATOR_PERMISSIONS } from "./shop/shop-callers.ts";
import { untilServing } from "./sut/health.ts";
import { startSystem } from "./sut/start-system.ts";
import { createTokenIssuer } from "./sut/tokens.ts";
import { retailShop } from "./workload/retail-catalogue.ts";
import { readRetailFolder } from "./workload/retail-csv.ts";

/** Of a token, beside the time that the schedule takes: a replay longer than its token could not refund. */
const SPARE_SECONDS = 24 * 3600;
const OPERATOR = "00000000-0000-7000-8000-000000000001";

async function replay({ dataFolder, speed }: ReplaySettings, signal: AbortSignal): Promise<boolean> {
  const began = performance.now();
  const elapsedSeconds = (): number => (performance.now() - began) / 1000;
  const data = await readRetailFolder(dataFolder);
  const trace = planTrace(data);
  const progress = createProgress(process.stderr, undefined, elapsedSeconds);
  const directory = await mkdtemp(join(tmpdir(), "grpc-ecommerce-replay-"));
  try {
    progress.step("starting the system", 0, trace.orders.length);
    const issuer = await createTokenIssuer(directory);
    const permissions = OPERATOR_PERMISSIONS;
    const lifetime = SPARE_SECONDS + (speed === undefined ? 0 : Math.ceil(spanSeconds(trace) / speed));
    const token = await issuer.issue({ subject: OPERATOR, permissions }, lifetime);
    await using system = await startedSystem(directory, issuer.jwksFile, signal);
    const connection = await connect({ ...system.grpc, signal });
    try {
      const onStep = progress.step;
      const replayed = await replayTrace({
        connection,
        token,
        trace,
        shop: retailShop(data),
        speed,
        onStep,
        signal,
      });
      progress.end();
      const wrong = [...differences(replayed.totals, expectedTotals(trace)), ...replayed.problems];
      process.stdout.write(`${[...rates(replayed), ...wrong].join("\n")}\n`);
      process.stdout.write(`${totalsLine(replayed.totals, elapsedSeconds())}\n`);
      return wrong.length === 0;
    } finally {
      await connection.close();
    }
  } finally {
    progress.end();
    await rm(directory, { recursive: true, force: true });
  }
}

async function startedSystem(directory: string, jwksFile: string, signal: AbortSignal) {
  const system = await startSystem({
    name: "replay",
    env: { DATA_DIR: join(directory, "data"), JWKS_FILE: jwksFile, LOG_LEVEL: "warn" },
    nodeFlags: ["--max-semi-space-size=16"],
    serving: untilServing,
    signal,
  });
  return { ...system, [Symbol.asyncDispose]: async () => void (await system.stop()) };
}

function rates({ placed, processingSeconds }: Replayed): string[] {
  const { byCreateOrder, byBulk, latenessMs } = placed;
  const rate = ({ orders, lines, seconds }: typeof byBulk): string =>
    `${orders} orders, ${lines} lines in ${seconds.toFixed(1)} s: ${(orders / seconds).toFixed(0)} orders/s, ${(lines / seconds).toFixed(0)} lines/s`;
  return [
    `by CreateOrder: ${rate(byCreateOrder)}`,
    `by ProcessBulkOrders: ${rate(byBulk)}`,
    `processing after the last one was taken: ${processingSeconds.toFixed(1)} s`,
    ...(latenessMs.length === 0 ? [] : [`behind the schedule: ${lateness(latenessMs)}`]),
  ];
}

function lateness(latenessMs: readonly number[]): string {
  const sorted = latenessMs.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(0);
  return `median ${at(0.5)} ms, 99 % ${at(0.99)} ms, the latest order ${at(1)} ms`;
}

const interrupt = abortOnSignals(process.stderr);

try {
  const exact = await replay(readReplaySettings(process.env), interrupt);
  process.exitCode = exact ? 0 : 1;
} catch (error) {
  process.stderr.write(`\nno replay: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = interrupt.aborted ? 130 : 1;
}
