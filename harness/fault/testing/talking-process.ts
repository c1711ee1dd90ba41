// A process that answers each line it is sent with what a piece of code makes of it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface TalkingProcess extends AsyncDisposable {
  readonly pid: number;
  readonly child: ChildProcess;
  /** The answer to the next line. */
  ask(line?: string): Promise<string>;
}

/** `answer` is an expression of JavaScript that may use `line`. */
export async function talkingProcess(
  answer: string,
  {
    nodeFlags = [],
    env = {},
  }: { readonly nodeFlags?: readonly string[]; readonly env?: Record<string, string> } = {},
): Promise<TalkingProcess> {
  const script = `require("readline").createInterface({ input: process.stdin }).on("line", (line) => console.log(${answer}))`;
  const child = spawn(process.execPath, [...nodeFlags, "-e", script], {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "inherit"],
    cwd: fileURLToPath(new URL("../../..", import.meta.url)),
  });
  await once(child, "spawn");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (line = ""): Promise<string> => {
    child.stdin.write(`${line}\n`);
    return (await lines.next()).value ?? "";
  };
  // It runs when it has answered once.
  await ask();
  return {
    pid: child.pid ?? 0,
    child,
    ask,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
