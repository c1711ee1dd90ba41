// The system cut into processes, as `make up` starts it: a gateway that serves the registry, and services that find each other there. On one
// database; all processes are gone when the test file has ended.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { type Config, environmentWith, readConfig } from "../config.ts";
import { type TestDatabase, testDatabase } from "../storage/testing/test-database.ts";
import { type Bearer, bearerTokens } from "./bearer-tokens.ts";
import { NO_LIMITS } from "./running-system.ts";

type Settings = Readonly<Partial<Record<keyof Config, string>>>;

export interface SystemMember {
  readonly child: ChildProcess;
  /** "host:port". */
  readonly grpc: string;
  readonly admin: string;
  /** Sends the signal, and resolves to how the process ended: [0, null] after a clean stop. */
  end(signal: NodeJS.Signals): Promise<unknown[]>;
}

export interface SplitSystem {
  readonly database: TestDatabase<unknown>;
  /** Of all its processes. */
  readonly dataDir: string;
  readonly bearer: Bearer;
  /** One more process; resolves when it serves. */
  start(settings: Settings): Promise<SystemMember>;
}

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** Call it at the top of a test file. `common` are settings of all processes. */
export async function splitSystem(common: Settings = {}): Promise<SplitSystem> {
  const database = await testDatabase<unknown>();
  const dataDir = await mkdtemp(join(tmpdir(), "split-system-"));
  const bearer = await bearerTokens(readConfig({ DATA_DIR: dataDir, DEVELOPMENT_TOKEN: "1" }));
  const running = new Map<ChildProcess, Promise<unknown[]>>();
  afterAll(async () => {
    for (const child of running.keys()) child.kill("SIGKILL");
    await Promise.all(running.values());
    await rm(dataDir, { recursive: true, force: true });
  });
  return {
    database,
    dataDir,
    bearer,
    async start(settings) {
      const env = environmentWith({
        DATABASE_URL: database.url,
        DATABASE_CONNECTIONS: "3",
        DATA_DIR: dataDir,
        GRPC_PORT: "0",
        ADMIN_PORT: "0",
        LOG_LEVEL: "silent",
        DEVELOPMENT_TOKEN: "1",
        SUPERVISED: "1",
        ...NO_LIMITS,
        ...common,
        ...settings,
      });
      const child = spawn(process.execPath, [MAIN], { env, stdio: ["pipe", "pipe", "inherit"] });
      const exited = once(child, "exit").finally(() => running.delete(child));
      running.set(child, exited);
      const [grpc, admin] = await addressesOf(child);
      return {
        child,
        grpc,
        admin,
        end(signal) {
          child.kill(signal);
          return exited;
        },
      };
    },
  };
}

async function addressesOf(child: ChildProcess): Promise<[grpc: string, admin: string]> {
  if (child.stdout === null) throw new TypeError("the process was started without a pipe");
  for await (const line of createInterface({ input: child.stdout })) {
    const [, grpc, admin] = /^ready grpc=(\S+) admin=(\S+)$/.exec(line) ?? [];
    if (grpc !== undefined && admin !== undefined) return [grpc, admin];
  }
  throw new Error("the process ended before it served");
}
