// Kysely over a node-postgres pool, with connections of ours (see pooled-connection.ts) in place of its driver's.
import {
  type AbortableOperationOptions,
  AbortedTransactionError,
  type ConnectionProvider,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type TransactionSettings,
} from "kysely";
import type pg from "pg";
import { CancellingExecutor } from "./cancelling-executor.ts";
import { toStorageError } from "./errors.ts";
import { PooledConnection } from "./pooled-connection.ts";
import type { StatementNames } from "./statement-names.ts";

/** `onStatement` is told of every statement that is sent, transaction commands among them. */
export function kyselyOver<T>(pool: pg.Pool, names: StatementNames, onStatement: () => void): Kysely<T> {
  const driver = poolDriver(pool, names, onStatement);
  const dialect: Dialect = {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => driver,
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
  const executor = new CancellingExecutor(
    dialect.createQueryCompiler(),
    dialect.createAdapter(),
    connectionsOf(driver),
  );
  return new Kysely<T>({ config: { dialect }, dialect, driver, executor });
}

function connectionsOf(driver: Driver): ConnectionProvider {
  return {
    async provideConnection(consumer, options) {
      const connection = await driver.acquireConnection(options);
      try {
        return await consumer(connection);
      } finally {
        await driver.releaseConnection(connection);
      }
    },
  };
}

function poolDriver(pool: pg.Pool, names: StatementNames, onStatement: () => void): Driver {
  const wrappers = new WeakMap<pg.PoolClient, PooledConnection>();
  const wrapped = (client: pg.PoolClient): PooledConnection => {
    const known = wrappers.get(client);
    if (known !== undefined) return known;
    const made = new PooledConnection(client, names, onStatement);
    wrappers.set(client, made);
    return made;
  };
  return {
    init: async () => {},
    acquireConnection: async (options) => wrapped(await acquire(pool, options)),
    releaseConnection: async (connection) => ours(connection).release(),
    beginTransaction: (connection, settings) => ours(connection).begin(beginStatement(settings)),
    commitTransaction: async (connection) => {
      if ((await ours(connection).commit()) === "ROLLBACK") throw new AbortedTransactionError();
    },
    rollbackTransaction: (connection) => ours(connection).rollback(),
    destroy: () => pool.end(),
  };
}

/** A free connection comes at once: only a wait is worth listening to the signal for. */
async function acquire(pool: pg.Pool, { signal }: AbortableOperationOptions = {}): Promise<pg.PoolClient> {
  signal?.throwIfAborted();
  const connecting = pool.connect();
  if (signal === undefined || pool.idleCount > 0) return await connecting.catch(fail);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => {
    reject(signal.reason);
    // The one that comes all the same goes back; one that does not come concerns nobody any more.
    connecting.then(
      (client) => client.release(),
      () => {},
    );
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([aborted, connecting.catch(fail)]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function fail(error: unknown): never {
  throw toStorageError(error);
}

function beginStatement({ isolationLevel, accessMode }: TransactionSettings): string {
  const isolation = isolationLevel === undefined ? "" : ` isolation level ${isolationLevel}`;
  return `begin${isolation}${accessMode === undefined ? "" : ` ${accessMode}`}`;
}

function ours(connection: DatabaseConnection): PooledConnection {
  if (connection instanceof PooledConnection) return connection;
  throw new TypeError("a connection of another driver");
}
