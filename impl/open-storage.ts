// The database of a system: the one that configuration names, else an embedded PostgreSQL in the data directory.
import { join } from "node:path";
import type { Config } from "./config.ts";
import { sleep, sleepAwake, systemClock } from "./runtime/clock.ts";
import { systemRandom } from "./runtime/ids.ts";
import type { Logger } from "./runtime/logger.ts";
import { type Database, openDatabase } from "./storage/database.ts";
import { keepEmbeddedPostgres } from "./storage/kept-postgres.ts";
import { requireServerVersion } from "./storage/server-version.ts";

export interface Storage {
  readonly database: Database<unknown>;
  /** May hold a password. */
  readonly url: string;
}

export async function openStorage(
  config: Config,
  log: Logger,
  resources: AsyncDisposableStack,
): Promise<Storage> {
  const wait = (ms: number, signal?: AbortSignal): Promise<void> => sleep(systemClock, ms, signal);
  let url = config.DATABASE_URL;
  if (url === undefined) {
    const embedded = await keepEmbeddedPostgres({
      dataDir: join(config.DATA_DIR, "postgres"),
      // Nothing else keeps the process alive while the server that a killed one left behind ends.
      sleep: sleepAwake,
      log,
    });
    resources.defer(() => embedded.stop());
    url = embedded.url;
  }
  const database = openDatabase<unknown>({
    url,
    maxConnections: config.DATABASE_CONNECTIONS,
    statementTimeoutMs: config.STATEMENT_TIMEOUT_MS,
    sleep: wait,
    random: systemRandom,
    log,
  });
  resources.defer(() => database.close());
  await requireServerVersion(database);
  return { database, url };
}
