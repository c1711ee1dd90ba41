// The fault that nothing can be done against: SIGKILL, to the system or to its database server.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Without effect on a process that has ended already. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** The process that leads the embedded PostgreSQL of a data directory. Rejects when none runs there. */
export async function postgresPid(dataDir: string): Promise<number> {
  const file = join(dataDir, "postgres", "cluster", "postmaster.pid");
  const [line = ""] = (await readFile(file, "utf8")).split("\n");
  const pid = Number(line);
  if (!Number.isInteger(pid) || pid <= 1)
    throw new Error(`${file} begins with "${line}", not with a process id`);
  return pid;
}
