// One connection of the pool, as Kysely sees it. Invariants: a query whose signal aborts is cancelled in the
// database, and nothing else is sent on the connection before both the query and the cancel request have
// ended; every failure is a StorageError. Kysely's own driver lacks these: it sends a rollback behind the
// running query, thereby gives up cancelling it, and it runs every statement unnamed.
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
  /** While a cancelled query is still ending. */
  #settling: Promise<void> | undefined;
  #transaction: "none" | "open" = "none";
  #transactionSignal: AbortSignal | undefined;
  #lost = false;

  constructor(client: pg.PoolClient, names: StatementNames) {
    this.#client = client;
    this.#names = names;
  }

  /** Whether the server is gone: the connection must not go back to the pool. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Every query until the transaction ends is cancelled by this signal, unless it brings its own. */
  bindToTransaction(signal: AbortSignal): void {
    this.#transactionSignal = signal;
  }

  async executeQuery<R>(query: CompiledQuery, options?: AbortableOperationOptions): Promise<QueryResult<R>> {
    if (this.#settling !== undefined) await this.#settling;
    const signal = options?.signal ?? this.#transactionSignal;
    if (signal === undefined) return await this.#run<R>(query);
    try {
      return await this.#runUntilAborted<R>(query, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      // Kysely has rejected with the reason of a signal it knows already, and reports a second rejection on
      // the console.
      if (options?.signal !== undefined) return nothing;
      throw signal.reason;
    }
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
    if (this.#settling !== undefined) await this.#settling;
    try {
      return (await this.#client.query(sql)).command;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async #runUntilAborted<R>(query: CompiledQuery, signal: AbortSignal): Promise<QueryResult<R>> {
    signal.throwIfAborted();
    let cancellation: Cancellation | undefined;
    const running = this.#run<R>(query);
    const onAbort = () => {
      cancellation = cancelQuery(this.#client);
      const { requested, end } = cancellation;
      this.#settling = Promise.allSettled([running.finally(end), requested]).then(() => {
        this.#settling = undefined;
      });
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await running;
    } finally {
      signal.removeEventListener("abort", onAbort);
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
