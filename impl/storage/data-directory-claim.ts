// One process at a time owns a data directory. The claim is a file naming the owner by pid and start time, so
// that a claim left by a killed process, or a pid that was given to another process since, is recognised.
import { readFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";

export type DataDirectoryClaim = { readonly release: () => Promise<void> };

/** Fails with DATA_DIR_IN_USE when a living process (this one included) holds the claim. */
export async function claimDataDirectory(dataDir: string): Promise<DataDirectoryClaim> {
  const path = join(dataDir, "owner");
  const mine = `${process.pid} ${startTime(process.pid)}\n`;
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await writeFile(path, mine, { flag: "wx" });
      return { release: () => rm(path, { force: true }) };
    } catch (error) {
      if (!isExisting(error)) throw error;
    }
    const [pid, started] = (await readFile(path, "utf8").catch(() => "")).trim().split(" ");
    if (pid !== undefined && isRunning(Number(pid)) && startTime(Number(pid)) === started) {
      throw new EmbeddedPostgresError(
        "DATA_DIR_IN_USE",
        `data directory ${dataDir} is in use by process ${pid}: one process owns a data directory; stop it, or give another directory`,
      );
    }
    await rm(path, { force: true });
  }
  throw new EmbeddedPostgresError(
    "DATA_DIR_IN_USE",
    `data directory ${dataDir} is being claimed by another process`,
  );
}

/** Also true for a process of another user, which we may not signal. */
export function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  return !/^\d+ \(.*\) Z/s.test(statOf(pid));
}

/** Clock ticks since boot, or "unknown" where there is no /proc: then the pid alone decides. */
function startTime(pid: number): string {
  const stat = statOf(pid);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "unknown";
}

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}
