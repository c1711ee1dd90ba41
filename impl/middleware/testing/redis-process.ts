// A Redis of a test's own, that can be killed and started again where it was. It keeps nothing.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

export interface RedisProcess {
  readonly url: string;
  /** Resolves when it takes connections. */
  start(): Promise<void>;
  /** Ends it at once, with all that it holds. Safe to call twice. */
  kill(): Promise<void>;
}

/** Why no Redis can be started; undefined when one can. */
export function whyNoRedisServer(): string | undefined {
  const { error } = spawnSync("redis-server", ["--version"]);
  return error === undefined ? undefined : `redis-server cannot be run: ${error.message}`;
}

/** On a port that is free now. Not yet started. */
export async function redisProcess(): Promise<RedisProcess> {
  const port = await freePort();
  const settings = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  let running: ChildProcess | undefined;
  return {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      const child = spawn("redis-server", settings, { stdio: ["ignore", "pipe", "inherit"] });
      running = child;
      for await (const line of createInterface({ input: child.stdout })) {
        if (line.includes("Ready to accept connections")) break;
      }
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
      child.stdout.resume();
    },
    async kill() {
      const child = running;
      running = undefined;
      if (child === undefined || child.exitCode !== null) return;
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
