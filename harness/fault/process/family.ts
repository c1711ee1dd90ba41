// A process and those that it has started, such as a database server and its workers.

import { readFile } from "node:fs/promises";

/** The process and all below it that run now; nothing when it has ended. Linux only: elsewhere the process alone. */
export async function family(pid: number): Promise<number[]> {
  const found = [pid];
  for (const each of found) found.push(...(await childrenOf(each)));
  return found;
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.split(" ").filter(Boolean).map(Number);
}
