// Kysely's PostgreSQL dialect with connections of ours (see pooled-connection.ts) in place of its driver's.
import {
  type AbortableOperationOptions,
  AbortedTransactionError,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type TransactionSettings,
} from "kysely";
import type pg from "pg";
import { toStorageError } from "./errors.ts";
import { PooledConnection } from "./pooled-connection.ts";
import type { StatementNames } from "./statement-names.ts";

export function poolDialect(pool: pg.Pool, names: StatementNames): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => poolDriver(pool, names),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

function poolDriver(pool: pg.Pool, names: StatementNames): Driver {
  const wrappers = new WeakMap<pg.PoolClient, PooledConnection>();
  const clients = new WeakMap<DatabaseConnection, pg.PoolClient>();

  const acquireConnection = async (options?: AbortableOperationOptions): Promise<DatabaseConnection> => {
    const client = await pool.connect().catch((error) => {
      // Kysely has rejected with the signal's reason already; a failure nobody waits for would go to the console.
      if (options?.signal?.aborted) return new Promise<never>(() => {});
      throw toStorageError(error);
    });
    const known = wrappers.get(client);
    if (known !== undefined) return known;
    const made = new PooledConnection(client, names);
    wrappers.set(client, made);
    clients.set(made, client);
    return made;
  };

  return {
    init: async () => {},
    acquireConnection,
    releaseConnection: async (connection) => clients.get(connection)?.release(ours(connection).lost),
    beginTransaction: (connection, settings) => ours(connection).begin(beginStatement(settings)),
    commitTransaction: async (connection) => {
      if ((await ours(connection).commit()) === "ROLLBACK") throw new AbortedTransactionError();
    },
    rollbackTransaction: (connection) => ours(connection).rollback(),
    destroy: () => pool.end(),
  };
}

function beginStatement({ isolationLevel, accessMode }: TransactionSettings): string {
  const isolation = isolationLevel === undefined ? "" : ` isolation level ${isolationLevel}`;
  return `begin${isolation}${accessMode === undefined ? "" : ` ${accessMode}`}`;
}

function ours(connection: DatabaseConnection): PooledConnection {
  if (connection instanceof PooledConnection) return connection;
  throw new TypeError("a connection of another driver");
}
