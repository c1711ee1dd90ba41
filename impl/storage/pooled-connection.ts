// One connection of the pool, as Kysely sees it. Invariants: a query whose signal aborts is cancelled in the
// database, and nothing else is sent on the connection before both the query and the cancel request have
// ended; every failure is a StorageError, or the signal's reason.
import type { AbortableOperationOptions, CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import type pg from "pg";
import { type StorageError, toStorageError } from "./errors.ts";
import { type Cancellation, cancelQuery } from "./query-cancellation.ts";
import type { StatementNames } from "./statement-names.ts";

const nothing: QueryResult<never> = { rows: [] };
const writes = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"]);

export class PooledConnection implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  readonly #names: StatementNames;
  readonly #onStatement: () => void;
  #inFlight: Promise<unknown> | undefined;
  #transaction: "none" | "open" = "none";
  #transactionSignal: AbortSignal | undefined;
  #lost = false;

  /** `onStatement` is told of every statement that is sent. */
  constructor(client: pg.PoolClient, names: StatementNames, onStatement: () => void) {
    this.#client = client;
    this.#names = names;
    this.#onStatement = onStatement;
  }

  /** Back to the pool, or away when the server is gone. */
  release(): void {
    // Or an idle connection would keep its last result in memory.
    this.#inFlight = undefined;
    this.#client.release(this.#lost);
  }

  /** Every query until the transaction ends is cancelled by this signal, unless it brings its own. */
  bindToTransaction(signal: AbortSignal): void {
    this.#transactionSignal = signal;
  }

  async executeQuery<R>(query: CompiledQuery, options?: AbortableOperationOptions): Promise<QueryResult<R>> {
    const signal = options?.signal ?? this.#transactionSignal;
    const running = signal === undefined ? this.#run<R>(query) : this.#runUntilAborted<R>(query, signal);
    this.#inFlight = running;
    return await running;
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for a generator; there is nothing to yield.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("streaming holds a connection for as long as its reader is slow: read pages instead");
  }

  async begin(sql: string): Promise<void> {
    await this.#command(sql);
    this.#transaction = "open";
  }

  /** The tag with which the server answers: ROLLBACK when a failed statement had ended the transaction. */
  async commit(): Promise<string> {
    this.#transactionSignal = undefined;
    this.#transaction = "none";
    return await this.#command("commit");
  }

  /** Never rejects: closing the connection rolls back as well, and the error that led here is the one to report. */
  async rollback(): Promise<void> {
    this.#transactionSignal = undefined;
    this.#transaction = "none";
    await this.#command("rollback").catch(() => {
      this.#lost = true;
    });
  }

  async #command(sql: string): Promise<string> {
    // A query that nobody waited for may still run, or be about to be cancelled.
    await this.#inFlight?.catch(() => {});
    this.#onStatement();
    try {
      return (await this.#client.query(sql)).command;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Settles when both the query and the request to cancel it have ended. */
  async #runUntilAborted<R>(query: CompiledQuery, signal: AbortSignal): Promise<QueryResult<R>> {
    signal.throwIfAborted();
    let cancellation: Cancellation | undefined;
    const onAbort = () => {
      cancellation = cancelQuery(this.#client);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await this.#run<R>(query);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      cancellation?.end();
      await cancellation?.requested;
    }
  }

  async #run<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { sql, parameters } = query;
    // A text without parameters may hold several statements or a utility command, which have no prepared form.
    const named = parameters.length > 0 || query.query.kind === "SelectQueryNode";
    const name = named ? this.#names.nameOf(sql) : undefined;
    try {
      return toResult<R>(await this.#send(sql, parameters, name));
    } catch (error) {
      if (name === undefined || !isStalePlan(error)) throw this.#failure(error);
      this.#names.renew(sql);
      // Inside a transaction the failed statement has ended it.
      if (this.#transaction === "open") throw this.#failure(error);
      return await this.#run<R>(query);
    }
  }

  #failure(error: unknown): StorageError {
    const failure = toStorageError(error);
    if (failure.code === "UNAVAILABLE") this.#lost = true;
    return failure;
  }

  #send(text: string, parameters: readonly unknown[], name: string | undefined) {
    const values = [...parameters];
    this.#onStatement();
    return this.#client.query(name === undefined ? { text, values } : { name, text, values });
  }
}

/** A text of several statements gives a list of results: the last counts. */
function toResult<R>(answer: pg.QueryResult | pg.QueryResult[]): QueryResult<R> {
  const result = Array.isArray(answer) ? answer.at(-1) : answer;
  if (result === undefined) return nothing;
  const rows: R[] = result.rows ?? [];
  return writes.has(result.command) ? { rows, numAffectedRows: BigInt(result.rowCount ?? 0) } : { rows };
}

/** The tables behind a prepared statement were altered since it was planned. */
function isStalePlan(error: unknown): boolean {
  return error instanceof Error && error.message === "cached plan must not change result type";
}
