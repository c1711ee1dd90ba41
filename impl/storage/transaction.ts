// Runs a function in a transaction, again when PostgreSQL asks for it: a serialization failure or a deadlock
// means that nothing happened and that a new attempt may succeed. Nothing else is repeated, least of all a lost
// connection, after which the outcome is not known. The function must therefore have no effect outside the database.
import type { IsolationLevel, Transaction } from "kysely";
import type { Database } from "./database.ts";
import { StorageError } from "./errors.ts";
import { PooledConnection } from "./pooled-connection.ts";

export type TransactionOptions = {
  /** Default: the server's, which is read committed. */
  readonly isolation?: IsolationLevel;
  /** Cancels the running statement in the database, rolls back, and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Further attempts after the first. Default 4. */
  readonly retries?: number;
};

const firstPauseMs = 10;
const longestPauseMs = 250;

export async function inTransaction<T, R>(
  database: Database<T>,
  work: (transaction: Transaction<T>) => Promise<R>,
  options: TransactionOptions = {},
): Promise<R> {
  const { signal, retries = 4 } = options;
  if (!Number.isSafeInteger(retries) || retries < 0) {
    throw new RangeError(`retries ${retries}: must be an integer of at least 0`);
  }
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await runOnce(database, work, options);
    } catch (error) {
      if (attempt >= retries || !isWorthRepeating(error)) throw error;
    }
    // Full jitter: those that collided do not meet again.
    const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** attempt);
    await database.sleep(database.random() * longest, signal);
  }
}

async function runOnce<T, R>(
  { queries }: Database<T>,
  work: (transaction: Transaction<T>) => Promise<R>,
  { isolation, signal }: TransactionOptions,
): Promise<R> {
  const builder = queries.transaction();
  const withIsolation = isolation === undefined ? builder : builder.setIsolationLevel(isolation);
  return await withIsolation.execute(async (transaction) => {
    if (signal === undefined) return await work(transaction);
    await bind(transaction, signal);
    const result = await work(transaction);
    signal.throwIfAborted();
    return result;
  });
}

async function bind<T>(transaction: Transaction<T>, signal: AbortSignal): Promise<void> {
  await transaction.getExecutor().provideConnection(async (connection) => {
    if (connection instanceof PooledConnection) connection.bindToTransaction(signal);
  });
}

function isWorthRepeating(error: unknown): boolean {
  return (
    error instanceof StorageError && (error.code === "SERIALIZATION_FAILURE" || error.code === "DEADLOCK")
  );
}
