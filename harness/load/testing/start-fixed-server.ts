// Starts the fixed server as a child process for a test.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface FixedServer {
  readonly pid: number;
  readonly port: number;
  /** Stops it for a while, as a machine that has other things to do would. */
  freeze(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startFixedServer(): Promise<FixedServer> {
  const file = fileURLToPath(new URL("./fixed-server.ts", import.meta.url));
  const child = spawn(process.execPath, [file], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await Promise.race([
    once(child.stdout, "data"),
    once(child, "exit").then(() => {
      throw new Error("the fixed server ended before it was ready");
    }),
  ]);
  const { pid } = child;
  if (pid === undefined) throw new Error("the fixed server has no process id");
  return {
    pid,
    port: Number(line),
    freeze: async (ms) => {
      process.kill(pid, "SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, ms));
      process.kill(pid, "SIGCONT");
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.stdin.end();
      await ended;
    },
  };
}
