// Starts a link as a child process, so that its work is not charged to the load generator's event loop.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { checkedProfile, type LinkProfile } from "./link-profile.ts";

export interface LinkProcessOptions {
  readonly target: { readonly host: string; readonly port: number };
  readonly profile: LinkProfile;
  /** Of the jitter. Default 1. */
  readonly seed?: number;
}

export interface LinkProcess {
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  /** Resets its connections, ends it, and resolves when it is gone; may be called twice. */
  stop(): Promise<void>;
}

/** `prefix`: a command to run it under, such as ["taskset", "-c", "0"]. Rejects with what it wrote when it does not start. */
export async function startLink(
  options: LinkProcessOptions,
  prefix: readonly string[] = [],
): Promise<LinkProcess> {
  checkedProfile(options.profile);
  const file = fileURLToPath(new URL("./link-main.ts", import.meta.url));
  const [command = process.execPath, ...args] = [...prefix, process.execPath, file, JSON.stringify(options)];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  await once(child, "spawn");
  const complaint = collect(child);
  const port = await Promise.race([
    readyPort(child),
    once(child, "exit").then(([code, signal]) => {
      throw new Error(`the link ended with ${code ?? signal} before it was ready: ${complaint()}`);
    }),
  ]);
  const { pid } = child;
  if (pid === undefined) throw new Error("the link has no process id");
  return { pid, host: "127.0.0.1", port, stop: () => stop(child) };
}

async function readyPort(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error("the link has no standard output");
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const port = Number(/^ready (\d+)$/.exec(String(line))?.[1]);
  if (!Number.isInteger(port)) throw new Error(`the link said ${JSON.stringify(line)} instead of its port`);
  return port;
}

function collect(child: ChildProcess): () => string {
  let text = "";
  child.stderr?.on("data", (bytes: Buffer) => {
    text = (text + bytes.toString("utf8")).slice(-4000);
  });
  return () => text;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.stdin?.end();
  await ended;
}
