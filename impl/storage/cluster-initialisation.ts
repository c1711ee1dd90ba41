// Makes a new PostgreSQL cluster with initdb, owned by the server's account, and the password of its superuser.
// A cluster appears under its name only when it is whole.
import { randomBytes } from "node:crypto";
import { chown, mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { PostgresExit, runToEnd } from "./postgres-process.ts";
import type { ServerAccount } from "./server-account.ts";
import type { StorageLog } from "./storage-log.ts";

/** The superuser of every embedded cluster. */
export const clusterUser = "shop";

type Initialisation = {
  readonly dataDir: string;
  readonly cluster: string;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount | undefined;
  /** Whether initdb waits until its files are on the disk. */
  readonly durable: boolean;
  readonly log: StorageLog;
};

/** Made under another name and renamed when whole, so that a killed initdb leaves nothing that looks usable. */
export async function initialiseCluster({
  dataDir,
  cluster,
  account,
  binaries,
  durable,
  log,
}: Initialisation): Promise<void> {
  const unfinished = `${cluster}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  const passwordPath = join(dataDir, "password");
  const password = randomBytes(24).toString("base64url");
  await rm(passwordPath, { force: true });
  await writeFile(passwordPath, password, { mode: 0o600 });
  // initdb reads the password from descriptor 3: its account may not be able to reach the file by its path.
  const passwordFile = await open(passwordPath, "r");
  try {
    if (account !== undefined) {
      await chown(unfinished, account.uid, account.gid);
      await chown(passwordPath, account.uid, account.gid);
    }
    await runToEnd({
      command: binaries.initdb,
      args: [
        `--pgdata=${reachableFolder(account, unfinished)}`,
        `--username=${clusterUser}`,
        `--pwfile=${process.platform === "linux" ? "/proc/self/fd/3" : "/dev/fd/3"}`,
        "--auth=scram-sha-256",
        // The password is random and long: iterations would only make connecting slow.
        "--set=scram_iterations=1",
        // Collation built into PostgreSQL: the same order on every machine, whatever locales it has.
        ...["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
        ...["--set=timezone=UTC", "--no-instructions"],
        ...(durable ? [] : ["--no-sync"]),
      ],
      cwd: unfinished,
      account,
      log,
      inherit: passwordFile.fd,
    });
  } catch (cause) {
    const why = cause instanceof PostgresExit ? cause.output : String(cause);
    throw new EmbeddedPostgresError("START_FAILED", `initdb in ${dataDir} failed: ${why}`, { cause });
  } finally {
    await passwordFile.close();
    if (account !== undefined) await chown(passwordPath, 0, 0);
  }
  await rename(unfinished, cluster);
}

/**
 * As root on Linux the server is given its working directory, which it enters before it drops its rights: so a
 * data directory works below folders that its account may not enter (a checkout in /root).
 */
export function reachableFolder(account: ServerAccount | undefined, folder: string): string {
  return account !== undefined && process.platform === "linux" ? "/proc/self/cwd" : folder;
}
