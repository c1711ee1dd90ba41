// A process of the system under a supervisor: started again when it ends unasked, and never left behind, since it ends with the pipe to its
// standard input.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Clock, sleep } from "./runtime/clock.ts";

export interface SupervisedOptions {
  /** For messages, such as "order-1". */
  readonly name: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Told of each line that the process prints beside its addresses. */
  readonly onLine: (line: string) => void;
  /** Told whenever the process serves, and with whom. */
  readonly onReady: (pid: number, addresses: Addresses) => void;
  /** From SIGTERM to SIGKILL. */
  readonly stopMs: number;
}

export interface Addresses {
  /** "host:port". */
  readonly grpc: string;
  readonly admin: string;
}

export interface SupervisedProcess {
  /** Of the first start; rejects when that fails. */
  readonly ready: Promise<Addresses>;
  /** Resolves when the process has ended for good. Safe to call twice. */
  stop(): Promise<void>;
}

const RESTART_PAUSE_MS = 1_000;
const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

export function supervise(options: SupervisedOptions): SupervisedProcess {
  const { name, clock, onReady, stopMs } = options;
  const first = Promise.withResolvers<Addresses>();
  const stopping = new AbortController();
  let child: ChildProcess | undefined;

  const runOnce = async (): Promise<void> => {
    const started = start(options, (addresses) => {
      onReady(started.pid ?? 0, addresses);
      first.resolve(addresses);
    });
    child = started;
    const [code, signal] = await once(started, "exit");
    first.reject(new Error(`${name} ended before it served: ${signal ?? `exit code ${code}`}`));
    // One that was asked to end is wanted again at once, one that failed after a while.
    if (code !== 0) await sleep(clock, RESTART_PAUSE_MS, stopping.signal).catch(() => {});
  };
  const keep = async (): Promise<void> => {
    while (!stopping.signal.aborted) await runOnce();
  };
  // A first start that fails is told by `ready`.
  first.promise.catch(() => stopping.abort());
  const kept = keep();
  return {
    ready: first.promise,
    async stop() {
      stopping.abort();
      child?.kill("SIGTERM");
      const cancel = clock.after(stopMs, () => child?.kill("SIGKILL"));
      await kept;
      cancel();
    },
  };
}

/** In a group of its own: a Ctrl-C at the terminal reaches the supervisor alone, which then ends the processes in order. */
function start(
  { environment, onLine }: SupervisedOptions,
  onAddresses: (addresses: Addresses) => void,
): ChildProcess {
  const child = spawn(process.execPath, [...process.execArgv, MAIN], {
    env: environment,
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [, grpc, admin] = /^ready grpc=(\S+) admin=(\S+)$/.exec(line) ?? [];
    if (grpc === undefined || admin === undefined) onLine(line);
    else onAddresses({ grpc, admin });
  });
  return child;
}
