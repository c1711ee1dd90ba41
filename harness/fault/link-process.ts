// Starts a link as a child process, so that its work is not charged to the load generator's event loop.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { LinkCommand, LinkControl } from "./link-control.ts";
import { checkedProfile, type LinkProfile } from "./link-profile.ts";
import { checkToxic } from "./link-toxic.ts";

export interface LinkProcessOptions {
  readonly target: { readonly host: string; readonly port: number };
  readonly profile: LinkProfile;
  /** Of the jitter. Default 1. */
  readonly seed?: number;
}

export interface LinkProcess extends LinkControl {
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
  const says = answers(createInterface({ input: output(child) }));
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`the link ended with ${code ?? signal} before it answered: ${complaint()}`);
  });
  // Whoever waits for an answer is told; most of the time nobody does.
  ended.catch(() => {});
  child.stdin?.on("error", () => {});
  const answer = (): Promise<string> => Promise.race([says(), ended]);
  const port = portIn(await answer());
  const { pid } = child;
  if (pid === undefined) throw new Error("the link has no process id");
  return { pid, host: "127.0.0.1", port, ...control(child, answer), stop: () => stop(child) };
}

function output(child: ChildProcess): Readable {
  if (child.stdout === null) throw new Error("the link has no standard output");
  return child.stdout;
}

/** The next line, one for each call, none lost between calls. */
function answers(lines: Interface): () => Promise<string> {
  const said: string[] = [];
  const asked: ((line: string) => void)[] = [];
  lines.on("line", (line) => {
    const resolve = asked.shift();
    if (resolve === undefined) said.push(line);
    else resolve(line);
  });
  return () => {
    const line = said.shift();
    return line === undefined ? new Promise((resolve) => asked.push(resolve)) : Promise.resolve(line);
  };
}

function portIn(line: string): number {
  const port = Number(/^ready (\d+)$/.exec(line)?.[1]);
  if (!Number.isInteger(port)) throw new Error(`the link said ${JSON.stringify(line)} instead of its port`);
  return port;
}

/** Answers come in the order of the commands. */
function control(child: ChildProcess, answer: () => Promise<string>): LinkControl {
  const send = async (command: LinkCommand): Promise<void> => {
    if (hasEnded(child)) throw new Error(`the link has ended: it cannot take ${JSON.stringify(command)}`);
    child.stdin?.write(`${JSON.stringify(command)}\n`);
    const line = await answer();
    if (line !== "done") throw new Error(`the link refused ${JSON.stringify(command)}: ${line}`);
  };
  return {
    addToxic: async (name, toxic) => {
      checkToxic(name, toxic);
      await send({ add: name, toxic });
    },
    removeToxic: (name) => send({ remove: name }),
  };
}

function collect(child: ChildProcess): () => string {
  let text = "";
  child.stderr?.on("data", (bytes: Buffer) => {
    text = (text + bytes.toString("utf8")).slice(-4000);
  });
  return () => text;
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, "exit");
  child.stdin?.end();
  await ended;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
