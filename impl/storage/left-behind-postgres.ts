// A server whose owner was killed may still run on its data directory, or have left a pid file that names a
// process which is something else by now. This stops the one and removes the other. The caller holds the claim
// on the directory, so no living owner can lose its server here; no process is signalled that is not proven to
// be PostgreSQL working in this very directory.
import { readdir, readFile, readlink, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { isRunning } from "./data-directory-claim.ts";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import type { StorageLog } from "./storage-log.ts";

type Needs = { readonly log: StorageLog; readonly sleep: (ms: number) => Promise<void> };

const fastShutdownMs = 10_000;
const killMs = 5_000;
const pollMs = 20;

export async function stopLeftBehindPostgres(cluster: string, { log, sleep }: Needs): Promise<void> {
  const found = await processesIn(cluster);
  if (found.length > 0) {
    log.warn({ cluster, pids: found }, "stopping the PostgreSQL that a killed process left behind");
    signal(found, "SIGINT");
    if (!(await gone(found, fastShutdownMs, sleep))) {
      signal(found, "SIGKILL");
      if (!(await gone(found, killMs, sleep))) {
        throw new EmbeddedPostgresError(
          "DATA_DIR_IN_USE",
          `processes ${found.join(", ")} still run on ${cluster} and do not end`,
        );
      }
    }
  }
  await rm(join(cluster, "postmaster.pid"), { force: true });
}

/** The postmaster and, where /proc tells, children that outlived it. */
async function processesIn(cluster: string): Promise<number[]> {
  const found = new Set<number>();
  const postmaster = await postmasterOf(cluster);
  if (postmaster !== undefined) found.add(postmaster);
  const folder = await realpath(cluster);
  for (const entry of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(entry)) continue;
    const cwd = await readlink(`/proc/${entry}/cwd`).catch(() => undefined);
    if (cwd === folder && /postgres/.test(await commandLine(entry))) found.add(Number(entry));
  }
  return [...found];
}

/** The pid in postmaster.pid, if that process is a PostgreSQL on the port which the file states. */
async function postmasterOf(cluster: string): Promise<number | undefined> {
  const lines = (await readFile(join(cluster, "postmaster.pid"), "utf8").catch(() => "")).split("\n");
  const [pid, port] = [Number(lines[0]), lines[3]];
  if (port === undefined || !isRunning(pid)) return undefined;
  const command = (await commandLine(String(pid))).split("\0");
  return /postgres$/.test(command[0] ?? "") && command.includes(port) ? pid : undefined;
}

/** NUL-separated as the kernel has it, and empty where there is no /proc. */
async function commandLine(pid: string): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // Ended meanwhile; one that we may not signal shows in the wait that follows.
    }
  }
}

async function gone(pids: readonly number[], withinMs: number, sleep: Needs["sleep"]): Promise<boolean> {
  for (let waited = 0; waited < withinMs; waited += pollMs) {
    if (!pids.some(isRunning)) return true;
    await sleep(pollMs);
  }
  return !pids.some(isRunning);
}
