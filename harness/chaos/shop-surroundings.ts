// What some faults need around a shop before it starts: a clock that can jump, a Redis that can die, a disk that can be full.

import { join } from "node:path";
import type { SkippedFault } from "#harness/fault/fault.ts";
import { killProcess } from "#harness/fault/kill-process.ts";
import { jumpingClock } from "#harness/fault/process/clock-jump.ts";
import { mountSmall, whyNoMount } from "#harness/fault/storage/small-file-system.ts";
import { findRedisServer, startRedisServer } from "#harness/sut/redis-server.ts";

export interface ShopSurroundings {
  /** Of the shop. */
  readonly env: Readonly<Record<string, string>>;
  readonly nodeFlags: readonly string[];
  /** Tells the shop's clock how far to be off. */
  readonly clockFile: string;
  /** Where REDIS_URL points; undefined without "kill-redis". */
  readonly redis: RestartableRedis | undefined;
}

export interface RestartableRedis {
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** Of the data, in bytes of memory: a long run's write-ahead log fits in. */
const DISK_BYTES = 2 * 1024 ** 3;

/** The faults that need what this machine has not, and why. `directory`: one that may be used to try. */
export async function missingFor(faults: readonly string[], directory: string): Promise<SkippedFault[]> {
  const reasons: readonly (readonly [string, () => Promise<string | undefined>])[] = [
    [
      "kill-redis",
      async () => ((await redisProgram()) === undefined ? "redis-server is not on the path" : undefined),
    ],
    ["full-disk", () => whyNoMount(join(directory, "mount"))],
  ];
  const skipped: SkippedFault[] = [];
  for (const [name, reason] of reasons) {
    const why = faults.includes(name) ? await reason() : undefined;
    if (why !== undefined) skipped.push({ name, skipped: why });
  }
  return skipped;
}

/** For these faults; `cleanup` takes it away again. `dataDir` is the shop's. */
export async function openSurroundings(
  faults: readonly string[],
  {
    directory,
    dataDir,
    cleanup,
  }: { readonly directory: string; readonly dataDir: string; readonly cleanup: AsyncDisposableStack },
): Promise<ShopSurroundings> {
  const clockFile = join(directory, "clock-offset");
  const clock = faults.includes("clock-jump") ? jumpingClock(clockFile) : { env: {}, nodeFlags: [] };
  if (faults.includes("full-disk")) {
    const disk = await mountSmall(dataDir, DISK_BYTES);
    cleanup.defer(() => disk.unmount());
  }
  const redis = faults.includes("kill-redis") ? await openRedis(cleanup) : undefined;
  return {
    env: { ...clock.env, ...(redis === undefined ? {} : { REDIS_URL: redis.url }) },
    nodeFlags: clock.nodeFlags,
    clockFile,
    redis,
  };
}

function redisProgram(): Promise<string | undefined> {
  return findRedisServer(process.env.PATH ?? "");
}

async function openRedis(
  cleanup: AsyncDisposableStack,
): Promise<RestartableRedis & { readonly url: string }> {
  const file = await redisProgram();
  if (file === undefined) throw new Error("redis-server is not on the path");
  let server = await startRedisServer(file);
  const { port, url } = server;
  cleanup.defer(() => server.stop());
  return {
    url,
    async kill() {
      killProcess(server.pid);
      await server.stop();
    },
    async start() {
      server = await startRedisServer(file, port);
    },
  };
}
