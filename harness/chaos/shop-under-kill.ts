// A shop that is killed and started again on the same data and at the same address.

import { setTimeout as sleep } from "node:timers/promises";
import { killProcess, postgresPid } from "#harness/fault/kill-process.ts";
import { untilServing } from "#harness/sut/health.ts";
import { type Address, type RunningSystem, startSystem } from "#harness/sut/start-system.ts";

export type KillTarget = "shop" | "postgres";

export interface ShopUnderKill {
  readonly address: Address;
  /** Of the process that runs now, or ran last. */
  pid(): number;
  /** Kills. The shop stays away until it is brought back; its database server is replaced by the shop, at once. */
  bringDown(target: KillTarget): Promise<void>;
  /** Resolves when what was brought down runs again. Does nothing when nothing was. */
  bringBack(target: KillTarget): Promise<void>;
  /** Kills, waits until the shop answers again, and says how long that took. */
  kill(target: KillTarget): Promise<number>;
  /** Ends it in good order. */
  stop(): Promise<void>;
}

export interface ShopUnderKillOptions {
  readonly dataDir: string;
  /** Checkout whose shop it is; default: this one. */
  readonly tree?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Of Node, for the shop's process. */
  readonly nodeFlags?: readonly string[];
  /** Asks something that needs the database; rejects while the answer is not there. */
  readonly answers: (signal: AbortSignal) => Promise<unknown>;
  readonly signal: AbortSignal;
}

const ASK_AGAIN_MS = 20;

export async function startShopUnderKill(
  port: number,
  options: ShopUnderKillOptions,
): Promise<ShopUnderKill> {
  const { dataDir, env, nodeFlags = [], answers, signal } = options;
  const start = (): Promise<RunningSystem> =>
    startSystem({
      name: "shop",
      env: { ...env, DATA_DIR: dataDir, GRPC_PORT: String(port) },
      nodeFlags: ["--max-semi-space-size=16", ...nodeFlags],
      ...(options.tree === undefined ? {} : { directory: options.tree }),
      serving: untilServing,
      signal,
    });
  let system = await start();
  let isDown = false;
  let killedPostgres: number | undefined;
  const bringDown = async (target: KillTarget): Promise<void> => {
    if (target === "shop") {
      isDown = true;
      killProcess(system.pid);
      await system.ended;
    } else {
      killedPostgres = await postgresPid(dataDir);
      killProcess(killedPostgres);
    }
  };
  const bringBack = async (target: KillTarget): Promise<void> => {
    if (target === "shop") {
      if (isDown) system = await start();
      isDown = false;
    } else {
      await until(() => replaced(dataDir, killedPostgres), signal);
      killedPostgres = undefined;
    }
  };
  return {
    address: system.grpc,
    pid: () => system.pid,
    bringDown,
    bringBack,
    async kill(target) {
      const began = performance.now();
      await bringDown(target);
      await bringBack(target);
      await until(answers, signal);
      return performance.now() - began;
    },
    stop: async () => void (await system.stop()),
  };
}

/** Rejects while another server has not taken its place: what it left behind may answer until then. */
async function replaced(dataDir: string, killed: number | undefined): Promise<void> {
  if (killed !== undefined && (await postgresPid(dataDir)) === killed) {
    throw new Error(`PostgreSQL ${killed} is not replaced yet`);
  }
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
