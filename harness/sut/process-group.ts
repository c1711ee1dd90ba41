// A child process that leads a group of its own and cannot outlive us: a watchdog (a shell) waits for the end of a pipe that
// only we hold open, then ends the whole group, first politely. So a crash or a SIGKILL of the harness leaves nothing behind,
// and a Ctrl-C at its terminal reaches the harness alone, which then stops its children in order.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface ProcessGroup {
  readonly pid: number;
  /** Settles when the leader has ended: its exit code, or the signal that ended it. */
  readonly ended: Promise<string>;
  /** The last lines of both outputs, for error messages. */
  tail(): string;
  /** SIGTERM, then SIGKILL to the whole group after `graceMs`. Resolves when the leader is gone; may be called twice. */
  stop(graceMs: number): Promise<"stopped" | "killed">;
}

export interface Launch {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  /** The whole environment of the child: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Called with each line of standard output. */
  readonly onLine?: (line: string) => void;
}

const tailLines = 30;
const watchdogGraceSeconds = 5;

/** Fails when the command cannot be executed. */
export async function startProcessGroup({ command, cwd, env, onLine }: Launch): Promise<ProcessGroup> {
  const [file, ...args] = command;
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  await once(child, "spawn");
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${file} was started and has no process id`);
  const lines: string[] = [];
  keepLines(child, lines, onLine);
  const watchdog = startWatchdog(pid);
  const ended = once(child, "exit").then(async ([code, signal]) => {
    await endWatchdog(watchdog);
    return signal === null ? `exit code ${code}` : `signal ${signal}`;
  });
  let stopping: Promise<"stopped" | "killed"> | undefined;
  return {
    pid,
    ended,
    tail: () => lines.join("\n"),
    stop: (graceMs) => {
      stopping ??= stopGroup(pid, ended, graceMs);
      return stopping;
    },
  };
}

async function stopGroup(
  pid: number,
  ended: Promise<string>,
  graceMs: number,
): Promise<"stopped" | "killed"> {
  signalGroup(pid, "SIGTERM");
  const fuse = Promise.withResolvers<"late">();
  const timer = AbortSignal.timeout(graceMs);
  timer.addEventListener("abort", () => fuse.resolve("late"));
  const outcome = await Promise.race([ended, fuse.promise]);
  // Whoever is left of the group, the leader included.
  signalGroup(pid, "SIGKILL");
  await ended;
  return outcome === "late" ? "killed" : "stopped";
}

/** A group that is gone already is no error. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function keepLines(child: ChildProcess, lines: string[], onLine?: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      if (lines.push(line) > tailLines) lines.shift();
      if (stream === child.stdout) onLine?.(line);
    });
  }
}

// `kill -s NAME -- -pid` is the form that both dash and bash understand for a group.
const watchdogScript = `
read -r _
kill -s TERM -- "-$1" 2>/dev/null || exit 0
n=0
while kill -s 0 -- "-$1" 2>/dev/null && [ $n -lt ${watchdogGraceSeconds} ]; do sleep 1; n=$((n + 1)); done
kill -s KILL -- "-$1" 2>/dev/null
exit 0`;

function startWatchdog(pid: number): ChildProcess {
  return spawn("/bin/sh", ["-c", watchdogScript, "sh", String(pid)], {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin" },
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
}

async function endWatchdog(watchdog: ChildProcess): Promise<void> {
  if (watchdog.exitCode !== null || watchdog.signalCode !== null) return;
  const exit = once(watchdog, "exit");
  watchdog.kill("SIGKILL");
  await exit;
}
