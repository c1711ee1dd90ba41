// Starts the provider as a process that outlives us, as a provider does: a shop that is killed and started again finds it where it was, with
// all that it has done. One process serves a data directory; one that serves it already is taken as it is.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Clock, sleep } from "#impl/runtime/clock.ts";
import type { BehaviorPatch } from "./behavior.ts";
import { DEFAULT_PROVIDER_CONFIG, PROVIDER_CONFIG_FILE, type ProviderConfig } from "./provider-config.ts";

export interface ProviderProcessOptions {
  /** Made when missing: configuration, journal and log of the provider. */
  readonly dataDir: string;
  readonly clock: Clock;
  /** Default 127.0.0.1, any free port, and secrets of no worth. */
  readonly config?: Partial<Omit<ProviderConfig, "behavior">>;
  readonly behavior?: BehaviorPatch;
}

export interface ProviderProcess {
  /** "http://host:port". */
  readonly url: string;
  readonly pid: number;
  readonly apiKey: string;
  readonly webhookSecret: string;
  /** Changes how it behaves from now on. Rejects with an Error that names what is wrong. */
  change(behavior: BehaviorPatch): Promise<void>;
  /** Ends it as SIGTERM does, or with another signal, and resolves when it has ended. Safe to call twice. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

type LaunchConfig = Omit<ProviderConfig, "behavior"> & { readonly behavior: BehaviorPatch };

interface Running {
  readonly pid: number;
  readonly url: string;
}

interface Launched {
  readonly running: Running;
  readonly child: ChildProcess;
}

const STATE_FILE = "running.json";
const POLL_MS = 20;
const HEALTH_TIMEOUT_MS = 2_000;

/** Resolves when it serves. */
export async function startProviderProcess(options: ProviderProcessOptions): Promise<ProviderProcess> {
  const { dataDir, clock, behavior = {} } = options;
  const config = { ...DEFAULT_PROVIDER_CONFIG, ...options.config };
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const last = await lastIn(dataDir);
  const found = last !== undefined && (await isServing(last)) ? last : undefined;
  if (found !== undefined) {
    const provider = control(found, undefined, config, clock);
    await provider.change(behavior);
    return provider;
  }
  const { running, child } = await launchAgain(dataDir, { ...config, behavior }, last);
  return control(running, child, config, clock);
}

/** Where it was before, if that is free and no other place was asked for. */
async function launchAgain(
  dataDir: string,
  config: LaunchConfig,
  last: Running | undefined,
): Promise<Launched> {
  const port = Number(last === undefined ? 0 : new URL(last.url).port);
  if (config.port !== 0 || port === 0) return launch(dataDir, config);
  return launch(dataDir, { ...config, port }).catch(() => launch(dataDir, config));
}

async function launch(dataDir: string, config: LaunchConfig): Promise<Launched> {
  await writeFile(join(dataDir, PROVIDER_CONFIG_FILE), JSON.stringify(config), { mode: 0o600 });
  const log = openSync(join(dataDir, "provider.log"), "a", 0o600);
  const child = spawn(process.execPath, [fileURLToPath(new URL("./main.ts", import.meta.url)), dataDir], {
    detached: true,
    stdio: ["ignore", "pipe", log],
  });
  closeSync(log);
  const url = await readyUrl(child);
  if (url === undefined || child.pid === undefined) {
    const output = await readFile(join(dataDir, "provider.log"), "utf8");
    throw new Error(`the payment provider in ${dataDir} ended before it was ready: ${output.slice(-2_000)}`);
  }
  child.stdout?.destroy();
  child.unref();
  const running = { pid: child.pid, url };
  await writeFile(join(dataDir, STATE_FILE), JSON.stringify(running));
  return { running, child };
}

/** Undefined when it ends before. */
async function readyUrl(child: ChildProcess): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  child.once("error", reject);
  child.once("exit", () => resolve(undefined));
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).once("line", (line) => resolve(line.replace("ready ", "")));
  }
  return promise;
}

/** The process that served the directory last, running or not. */
async function lastIn(dataDir: string): Promise<Running | undefined> {
  const text = await readFile(join(dataDir, STATE_FILE), "utf8").catch(() => "null");
  const last: unknown = JSON.parse(text);
  return isRunning(last) ? last : undefined;
}

async function isServing({ url, pid }: Running): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
    const health: unknown = await response.json();
    return typeof health === "object" && health !== null && "pid" in health && health.pid === pid;
  } catch {
    return false;
  }
}

function control(
  running: Running,
  child: ChildProcess | undefined,
  config: Omit<ProviderConfig, "behavior">,
  clock: Clock,
): ProviderProcess {
  const { url, pid } = running;
  const { apiKey, webhookSecret } = config;
  let stopped: Promise<void> | undefined;
  return {
    url,
    pid,
    apiKey,
    webhookSecret,
    async change(behavior) {
      const response = await fetch(`${url}/admin/behavior`, {
        method: "PATCH",
        headers: { authorization: `Bearer ${apiKey}` },
        body: JSON.stringify(behavior),
      });
      const answer = await response.text();
      if (!response.ok) throw new Error(`the payment provider refused the behaviour: ${answer}`);
    },
    stop(signal = "SIGTERM") {
      stopped ??= end(running, child, signal, clock);
      return stopped;
    },
  };
}

/** A process id is given again: what is signalled is our child, or has just said that it is the provider. */
async function end(running: Running, child: ChildProcess | undefined, signal: NodeJS.Signals, clock: Clock) {
  const { pid } = running;
  const isOurs = child !== undefined && child.exitCode === null && child.signalCode === null;
  if (!isOurs && !(await isServing(running))) return;
  process.kill(pid, signal);
  while (isAlive(pid)) await sleep(clock, POLL_MS);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function isRunning(value: unknown): value is Running {
  if (typeof value !== "object" || value === null || !("pid" in value) || !("url" in value)) return false;
  return typeof value.pid === "number" && value.pid > 0 && typeof value.url === "string";
}
