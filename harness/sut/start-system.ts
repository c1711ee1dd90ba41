// The system under test as a child process, from its first line to its last. It is never run inside the harness; what is
// known of it comes over its ports. Whoever starts one stops it; if the harness dies first, the group's watchdog does.

import { once } from "node:events";
import { createConnection } from "node:net";
import { fileURLToPath } from "node:url";
import { type CpuProfile, parseCpuProfile } from "./cpu-profile.ts";
import { pinned, pinProcess } from "./pinning.ts";
import { type ProcessGroup, startProcessGroup } from "./process-group.ts";
import { parseRuntimeSnapshot, type RuntimeSnapshot } from "./runtime-snapshot.ts";
import { SystemStartError } from "./system-start-error.ts";
import { UNREACHED_LIMITS } from "./unreached-limits.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface SystemOptions {
  /** For messages and reports, such as the arm. */
  readonly name: string;
  /** Added to the harness's own environment; ports default to any free one, limits to none that a run would reach. */
  readonly env: Readonly<Record<string, string>>;
  /** Flags of Node for the process. */
  readonly nodeFlags?: readonly string[];
  /** Checkout whose system is started; default: this one. */
  readonly directory?: string;
  /** Core to run on; absent: any. */
  readonly core?: number | undefined;
  /** Cores it may use until it serves, such as "0,1", to start faster; it is moved to `core` then, its children are not. */
  readonly startCores?: string | undefined;
  /** Resolves when the system says SERVING; default: when the port accepts a connection. */
  readonly serving?: (grpc: Address, signal: AbortSignal) => Promise<void>;
  /** What is started instead of the system: tests only. */
  readonly script?: string;
  /** From the start to SERVING, default 60 s. */
  readonly startTimeoutMs?: number;
  /** From SIGTERM to SIGKILL, default 10 s. */
  readonly stopTimeoutMs?: number;
  /** Gives up waiting, and leaves nothing running. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunningSystem {
  readonly name: string;
  readonly grpc: Address;
  /** Base URL of the admin port. */
  readonly admin: string;
  readonly pid: number;
  /** From start to SERVING. */
  readonly startMs: number;
  /** Settles when the process is gone, with how it ended. */
  readonly ended: Promise<string>;
  runtime(): Promise<RuntimeSnapshot>;
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** Of its CPU, for so many whole seconds from now. */
  profile(seconds: number): Promise<CpuProfile>;
  logTail(): string;
  stop(): Promise<"stopped" | "killed">;
}

export const repositoryRoot = fileURLToPath(new URL("../../", import.meta.url));

/** Fails with SystemStartError (with the log's tail) when it ends, says nothing or does not serve in time. */
export async function startSystem(options: SystemOptions): Promise<RunningSystem> {
  const { name, startTimeoutMs = 60_000, stopTimeoutMs = 10_000, serving = accepts } = options;
  const started = performance.now();
  const ready = Promise.withResolvers<{ grpc: Address; admin: Address }>();
  const group = await startProcessGroup({
    command: pinned(options.startCores ?? options.core, [
      process.execPath,
      ...(options.nodeFlags ?? []),
      options.script ?? "impl/main.ts",
    ]),
    cwd: options.directory ?? repositoryRoot,
    env: { ...inherited(), ...UNREACHED_LIMITS, GRPC_PORT: "0", ADMIN_PORT: "0", ...options.env },
    onLine: (line) => {
      const addresses = parseReadyLine(line);
      if (addresses) ready.resolve(addresses);
    },
  });
  const patience = AbortSignal.any([
    AbortSignal.timeout(startTimeoutMs),
    ...(options.signal ? [options.signal] : []),
  ]);
  try {
    const { grpc, admin } = await within(ready.promise, group, patience, "to print its ready line");
    await within(serving(grpc, patience), group, patience, "to be healthy");
    if (options.startCores !== undefined) pinProcess(group.pid, options.core);
    const directory = options.directory ?? repositoryRoot;
    return running({
      name,
      directory,
      group,
      grpc,
      admin,
      startMs: performance.now() - started,
      stopTimeoutMs,
    });
  } catch (cause) {
    await group.stop(stopTimeoutMs);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SystemStartError(name, reason, group.tail(), { cause });
  }
}

/** "ready grpc=127.0.0.1:1 admin=127.0.0.1:2"; undefined for any other line. */
export function parseReadyLine(line: string): { grpc: Address; admin: Address } | undefined {
  const match = /^ready grpc=(\S+):(\d+) admin=(\S+):(\d+)\s*$/.exec(line);
  if (!match) return undefined;
  const [, grpcHost = "", grpcPort, adminHost = "", adminPort] = match;
  return {
    grpc: { host: grpcHost, port: Number(grpcPort) },
    admin: { host: adminHost, port: Number(adminPort) },
  };
}

interface Started {
  readonly name: string;
  readonly directory: string;
  readonly group: ProcessGroup;
  readonly grpc: Address;
  readonly admin: Address;
  readonly startMs: number;
  readonly stopTimeoutMs: number;
}

function running({ name, directory, group, grpc, admin, startMs, stopTimeoutMs }: Started): RunningSystem {
  const base = `http://${admin.host}:${admin.port}`;
  return {
    name,
    grpc,
    admin: base,
    pid: group.pid,
    startMs,
    ended: group.ended,
    runtime: async () => parseRuntimeSnapshot(await get(`${base}/debug/runtime`)),
    metrics: () => get(`${base}/metrics`),
    profile: async (seconds) =>
      parseCpuProfile(
        await get(`${base}/debug/profile?seconds=${seconds}`, seconds * 1000 + ANSWER_MS),
        directory,
      ),
    logTail: group.tail,
    stop: () => group.stop(stopTimeoutMs),
  };
}

async function within<T>(
  work: Promise<T>,
  group: ProcessGroup,
  patience: AbortSignal,
  what: string,
): Promise<T> {
  const gaveUp = Promise.withResolvers<never>();
  const abandon = () => gaveUp.reject(new Error(`gave up waiting for it ${what}`));
  if (patience.aborted) abandon();
  patience.addEventListener("abort", abandon, { once: true });
  const died = group.ended.then((how) => Promise.reject(new Error(`it ended with ${how}`)));
  try {
    return await Promise.race([work, died, gaveUp.promise]);
  } finally {
    patience.removeEventListener("abort", abandon);
  }
}

async function accepts({ host, port }: Address, signal: AbortSignal): Promise<void> {
  const socket = createConnection({ host, port });
  try {
    await once(socket, "connect", { signal });
  } finally {
    socket.destroy();
  }
}

const ANSWER_MS = 10_000;

async function get(url: string, timeoutMs = ANSWER_MS): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
