// A shop that is killed and started again on the same data and at the same address.

import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { killProcess, postgresPid } from "#harness/fault/kill-process.ts";
import { untilServing } from "#harness/sut/health.ts";
import { type Address, type RunningSystem, startSystem } from "#harness/sut/start-system.ts";

export type KillTarget = "shop" | "postgres";

export interface ShopUnderKill {
  readonly address: Address;
  /** Kills, waits until the shop answers again, and says how long that took. */
  kill(target: KillTarget): Promise<number>;
  /** Ends it in good order. */
  stop(): Promise<void>;
}

export interface ShopUnderKillOptions {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Asks something that needs the database; rejects while the answer is not there. */
  readonly answers: (signal: AbortSignal) => Promise<unknown>;
  readonly signal: AbortSignal;
}

const ASK_AGAIN_MS = 20;

export async function startShopUnderKill(
  port: number,
  options: ShopUnderKillOptions,
): Promise<ShopUnderKill> {
  const { dataDir, env, answers, signal } = options;
  const start = (): Promise<RunningSystem> =>
    startSystem({
      name: "shop",
      env: { ...env, DATA_DIR: dataDir, GRPC_PORT: String(port) },
      nodeFlags: ["--max-semi-space-size=16"],
      serving: untilServing,
      signal,
    });
  let system = await start();
  return {
    address: system.grpc,
    async kill(target) {
      const began = performance.now();
      if (target === "shop") {
        killProcess(system.pid);
        await system.ended;
        system = await start();
      } else {
        await killPostgres(dataDir, signal);
      }
      await until(answers, signal);
      return performance.now() - began;
    },
    stop: async () => void (await system.stop()),
  };
}

/** Returns when another server has taken its place: what it left behind may answer until then. */
async function killPostgres(dataDir: string, signal: AbortSignal): Promise<void> {
  const killed = await postgresPid(dataDir);
  killProcess(killed);
  await until(async () => {
    if ((await postgresPid(dataDir)) === killed) throw new Error(`PostgreSQL ${killed} is not replaced yet`);
  }, signal);
}

async function until(answers: (signal: AbortSignal) => Promise<unknown>, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const answered = await answers(signal).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await sleep(ASK_AGAIN_MS, undefined, { signal });
  }
}

/** One that nobody listens on now. */
export async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer().once("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
  });
  return promise;
}
