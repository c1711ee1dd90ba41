// One PostgreSQL server as a child process. It runs in a session of its own, so that a Ctrl-C at our terminal
// does not stop the database while calls are still draining, and with a watchdog, so that it does not outlive
// us even when we are killed: the watchdog (a shell) waits for the end of a pipe that only we hold open.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { ServerAccount } from "./server-account.ts";
import type { StorageLog } from "./storage-log.ts";

export type PostgresProcess = {
  readonly pid: number;
  /** Settles when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Fast shutdown: open transactions are rolled back, then a checkpoint. Resolves when it has ended. */
  readonly stop: () => Promise<void>;
};

/** A child that ended before it was ready; `output` is the end of what it wrote. */
export class PostgresExit extends Error {
  readonly output: string;

  constructor(command: string, output: string) {
    super(`${command} failed: ${output}`);
    this.name = "PostgresExit";
    this.output = output;
  }
}

type Launch = {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly account: ServerAccount | undefined;
  readonly log: StorageLog;
  /** An open file which the child finds as descriptor 3. */
  readonly inherit?: number;
};

const fastShutdownMs = 10_000;

/** Runs a command to its end; a non-zero exit is a PostgresExit. */
export async function runToEnd(launch: Launch): Promise<void> {
  const child = start(launch);
  const tail = keepTail(child, launch.log);
  const [code] = await once(child, "close");
  if (code !== 0) throw new PostgresExit(launch.command, tail.join("\n"));
}

/** Starts a server and resolves when it accepts connections. */
export async function startPostgres(launch: Launch): Promise<PostgresProcess> {
  const child = start(launch);
  const closed = once(child, "close");
  const ready = Promise.withResolvers<void>();
  const tail = keepTail(child, launch.log, (line) => {
    if (line.includes("database system is ready to accept connections")) ready.resolve();
  });
  const ended = closed.then(() => undefined);
  await Promise.race([
    ready.promise,
    ended.then(() => Promise.reject(new PostgresExit(launch.command, tail.join("\n")))),
  ]);
  const pid = child.pid;
  if (pid === undefined) throw new PostgresExit(launch.command, "it has no pid");
  const watchdog = startWatchdog(pid, launch.account);
  const stop = async (): Promise<void> => {
    child.kill("SIGINT");
    // The fuse is a timer that keeps nothing alive, and is not waited for.
    AbortSignal.timeout(fastShutdownMs).addEventListener("abort", () => child.kill("SIGQUIT"));
    await ended;
    await end(watchdog);
  };
  return { pid, ended, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.ref();
  child.kill("SIGKILL");
  await exit;
}

function start({ command, args, cwd, account, inherit }: Launch): ChildProcess {
  return spawn(command, [...args], {
    cwd,
    ...account,
    detached: true,
    env: { LC_ALL: "C", PATH: "/usr/bin:/bin", TZ: "UTC" },
    stdio: inherit === undefined ? ["ignore", "pipe", "pipe"] : ["ignore", "pipe", "pipe", inherit],
  });
}

/** Logs every line, and keeps the last ones for an error message. */
function keepTail(child: ChildProcess, log: StorageLog, onLine?: (line: string) => void): string[] {
  const tail: string[] = [];
  // A command that cannot be executed at all (permissions, wrong architecture) says so only here.
  child.on("error", (error) => tail.push(error.message));
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      log.debug({ line }, "postgres");
      if (tail.push(line) > 20) tail.shift();
      onLine?.(line);
    });
  }
  return tail;
}

function startWatchdog(pid: number, account: ServerAccount | undefined): ChildProcess {
  const watchdog = spawn("/bin/sh", ["-c", 'read -r _; kill -INT "$1"', "sh", String(pid)], {
    cwd: "/",
    ...account,
    detached: true,
    env: {},
    stdio: ["pipe", "ignore", "ignore"],
  });
  watchdog.unref();
  if (watchdog.stdin !== null && "unref" in watchdog.stdin && typeof watchdog.stdin.unref === "function") {
    watchdog.stdin.unref();
  }
  return watchdog;
}
