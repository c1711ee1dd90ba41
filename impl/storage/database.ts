// Access to one PostgreSQL: a bounded pool of connections with Kysely on top. A failing server makes calls fail
// (StorageError UNAVAILABLE) and never ends the process; the next call connects anew. It knows no schema.
import { type Kysely, sql } from "kysely";
import pg from "pg";
import { type NotificationListener, Notifications } from "./notifications.ts";
import { kyselyOver } from "./pool-driver.ts";
import { statementNames } from "./statement-names.ts";
import type { StorageLog } from "./storage-log.ts";
import { valueParsers } from "./value-parsers.ts";

export type DatabaseOptions = {
  /** postgres://user:password@host:port/database */
  readonly url: string;
  /** Connections at most; they stay open. Default 10. */
  readonly maxConnections?: number;
  /** The server ends a statement that runs longer. 0 is no limit. Default 15000. */
  readonly statementTimeoutMs?: number;
  /** The server ends a transaction that idles longer between statements. 0 is no limit. Default 60000. */
  readonly idleInTransactionTimeoutMs?: number;
  /** How long a query may wait for a connection, a free or a new one. Default 5000. */
  readonly connectTimeoutMs?: number;
  /** SQL texts that may become prepared statements on each connection. 0 switches them off. Default 256. */
  readonly maxNamedStatements?: number;
  /** Shown in pg_stat_activity. Default "grpc-ecommerce". */
  readonly applicationName?: string;
  /** For the pauses between attempts of a transaction; `random` is in [0, 1). */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly log: StorageLog;
};

/**
 * `T` maps table names with their schema ("users.users") to rows, as Kysely wants it.
 *
 * A query that is run with `{ signal }` (`query.execute({ signal })`) is cancelled in the database when the signal
 * aborts, and then rejects with its reason; at the latest after 5 s, when the server does not answer.
 * Failures are StorageErrors.
 */
export type Database<T> = {
  readonly queries: Kysely<T>;
  /** The same pool, seen by a service that knows other tables. */
  readonly typed: <U>() => Database<U>;
  /** Rejects with UNAVAILABLE when no query can be run. */
  readonly ping: (signal?: AbortSignal) => Promise<void>;
  /** Connections in use, idle, and callers waiting for one. */
  readonly load: () => { readonly busy: number; readonly idle: number; readonly waiting: number };
  /** Statements sent since the start. */
  readonly statements: () => number;
  /** Hears what is notified on a channel; returns how to stop. See notifications.ts. */
  readonly listen: (channel: string, listener: NotificationListener) => () => void;
  /** Waits for queries that are running. May be called twice. */
  readonly close: () => Promise<void>;
  readonly sleep: DatabaseOptions["sleep"];
  readonly random: DatabaseOptions["random"];
  readonly log: StorageLog;
};

const defaultApplicationName = "grpc-ecommerce";
const defaultConnectTimeoutMs = 5_000;

/** Connects with the first query, not here. Throws a RangeError or TypeError on an invalid option. */
export function openDatabase<T>(options: DatabaseOptions): Database<T> {
  const { sleep, random, log } = options;
  const namedStatements = limit("maxNamedStatements", options.maxNamedStatements ?? 256, 0);
  const pool = openPool(options);
  let statements = 0;
  const kysely = kyselyOver<T>(pool, statementNames(namedStatements), () => {
    statements += 1;
  });
  const notifications = new Notifications({
    url: options.url,
    applicationName: options.applicationName ?? defaultApplicationName,
    connectTimeoutMs: options.connectTimeoutMs ?? defaultConnectTimeoutMs,
    sleep,
    random,
    log,
  });
  let closed: Promise<unknown> | undefined;
  const database: Database<T> = {
    queries: kysely,
    // The pool is the same; only what the compiler knows of its tables differs.
    typed: <U>() => database as unknown as Database<U>,
    ping: async (signal) => {
      await sql`select 1`.execute(kysely, signal === undefined ? {} : { signal });
    },
    load: () => ({
      busy: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    statements: () => statements,
    listen: (channel, listener) => notifications.listen(channel, listener),
    close: async () => {
      closed ??= Promise.all([notifications.close(), kysely.destroy()]);
      await closed;
    },
    sleep,
    random,
    log,
  };
  return database;
}

function openPool(options: DatabaseOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: validUrl(options.url),
    max: limit("maxConnections", options.maxConnections ?? 10, 1),
    statement_timeout: limit("statementTimeoutMs", options.statementTimeoutMs ?? 15_000, 0),
    idle_in_transaction_session_timeout: limit(
      "idleInTransactionTimeoutMs",
      options.idleInTransactionTimeoutMs ?? 60_000,
      0,
    ),
    connectionTimeoutMillis: limit(
      "connectTimeoutMs",
      options.connectTimeoutMs ?? defaultConnectTimeoutMs,
      1,
    ),
    // An open connection is cheap, and a timer for each release is not.
    idleTimeoutMillis: 0,
    keepAlive: true,
    application_name: options.applicationName ?? defaultApplicationName,
    types: valueParsers,
  });
  const report = (error: Error) => {
    // A server that stops together with its clients may be quicker than their goodbye.
    if (!pool.ending) options.log.warn({ err: error }, "database connection lost");
  };
  // An error event without a listener would end the process. The pool listens to its idle clients only; one in
  // use reports through the failing query, and between two queries of a transaction there is none.
  pool.on("connect", (client) => client.on("error", report));
  pool.on("error", () => {});
  return pool;
}

function validUrl(url: string): string {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    // Not quoted: it may hold a password.
    throw new TypeError("database url: must start with postgres:// or postgresql://");
  }
  return url;
}

function limit(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`${name} ${value}: must be an integer of at least ${least}`);
}
