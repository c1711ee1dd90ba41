// A Redis of a run's own: the program redis-server on a free port, in memory only. Its watchdog ends it when the run has gone.

import { access, constants } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { BackingServer } from "./backing-server.ts";
import { freePort } from "./free-port.ts";
import { startProcessGroup } from "./process-group.ts";

const STOP_MS = 5_000;
const PROGRAM = "redis-server";

/** Its file on the path; undefined when there is none. */
export async function findRedisServer(path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((entry) => entry !== "")) {
    const file = join(folder, PROGRAM);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}

export interface RedisServer extends BackingServer {
  readonly pid: number;
  readonly port: number;
}

/** `port`: default a free one. Fails with its last words when it ends instead of serving. */
export async function startRedisServer(file: string, port?: number): Promise<RedisServer> {
  port ??= await freePort();
  const ready = Promise.withResolvers<void>();
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const group = await startProcessGroup({
    command: [file, ...options],
    cwd: tmpdir(),
    env: {},
    onLine: (line) => {
      if (line.includes("Ready to accept connections")) ready.resolve();
    },
  });
  const ended = group.ended.then((how) =>
    Promise.reject(new Error(`${PROGRAM} ended with ${how}\n${group.tail()}`)),
  );
  await Promise.race([ready.promise, ended]);
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: group.pid,
    port,
    stop: async () => void (await group.stop(STOP_MS)),
  };
}
