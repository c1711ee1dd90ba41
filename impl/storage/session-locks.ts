// Locks that a process holds while it waits for others: PostgreSQL's advisory locks, all of a process on one connection beside the
// pool. Invariant: a lock ends at the latest with its process or its connection, whatever kills them, and its holder is told when the
// connection goes first. Between the two ends another may hold it already: what must not happen twice is guarded by the rows as well.
import { type RawBuilder, sql } from "kysely";
import pg from "pg";
import { StorageError, toStorageError } from "./errors.ts";
import type { StorageLog } from "./storage-log.ts";

export interface SessionLocksOptions {
  /** postgres://user:password@host:port/database */
  readonly url: string;
  /** Shown in pg_stat_activity. Default "grpc-ecommerce locks". */
  readonly applicationName?: string;
  /** How long the connection may take to be made. Default 5000. */
  readonly connectTimeoutMs?: number;
  readonly log: StorageLog;
}

export interface SessionLock {
  /** Aborted with a StorageError UNAVAILABLE when the connection is lost, and the lock with it. */
  readonly lost: AbortSignal;
  /** Never rejects: a lock that cannot be released is gone with its connection. Safe to call twice. */
  release(): Promise<void>;
}

export interface SessionLocks {
  /** Undefined when somebody has the lock, here or in another process. Rejects with a StorageError. */
  take(name: string): Promise<SessionLock | undefined>;
  /** Lets go of every lock. Later calls of `take` connect again. */
  close(): Promise<void>;
}

/** Whether somebody has the lock: for a query of the same database. */
export function isLocked(name: RawBuilder<string>): RawBuilder<boolean> {
  return sql<boolean>`exists (
    select from pg_locks
    where locktype = 'advisory' and objsubid = 1 and granted
      and database = (select oid from pg_database where datname = current_database())
      and (classid::bigint << 32 | objid::bigint) = ${keyOf(name)}
  )`;
}

function keyOf(name: RawBuilder<string>): RawBuilder<bigint> {
  return sql<bigint>`hashtextextended(${name}, 0)`;
}

/** The server ends a connection whose host fell silent after about 25 s, and its locks with it. */
const KEEP_ALIVE =
  "set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3";

/** Opens the connection with the first lock, and again with the next one after it was lost. */
export function openSessionLocks(options: SessionLocksOptions): SessionLocks {
  let session: Promise<LockSession> | undefined;
  const connected = (): Promise<LockSession> => {
    if (session !== undefined) return session;
    const opening = LockSession.open(options, () => {
      if (session === opening) session = undefined;
    });
    session = opening;
    return opening;
  };
  return {
    async take(name) {
      return (await connected()).take(name);
    },
    async close() {
      const open = session;
      session = undefined;
      await open?.then((opened) => opened.close());
    },
  };
}

class LockSession {
  readonly #client: pg.Client;
  /** The server grants one session the same lock again: who has it here must be known here. */
  readonly #held = new Map<string, AbortController>();
  #turn: Promise<unknown> = Promise.resolve();
  #ended = false;

  static async open(options: SessionLocksOptions, onEnd: () => void): Promise<LockSession> {
    const client = new pg.Client({
      connectionString: options.url,
      application_name: options.applicationName ?? "grpc-ecommerce locks",
      connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
      keepAlive: true,
    });
    const session = new LockSession(client);
    const end = (error?: Error): void => {
      onEnd();
      session.#end(error, options.log);
    };
    client.on("error", end);
    client.on("end", end);
    try {
      await client.connect();
      await client.query(KEEP_ALIVE);
      return session;
    } catch (error) {
      onEnd();
      void client.end().catch(() => {});
      throw toStorageError(error);
    }
  }

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  async take(name: string): Promise<SessionLock | undefined> {
    if (this.#held.has(name)) return undefined;
    const lost = new AbortController();
    this.#held.set(name, lost);
    try {
      if (await this.#ask("pg_try_advisory_lock", name)) {
        let released: Promise<void> | undefined;
        const release = (): Promise<void> => (released ??= this.#release(name, lost));
        return { lost: lost.signal, release };
      }
    } catch (error) {
      this.#forget(name, lost);
      throw error;
    }
    this.#forget(name, lost);
    return undefined;
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }

  async #release(name: string, lost: AbortController): Promise<void> {
    if (this.#held.get(name) !== lost) return;
    // Only when the server has let go may somebody here ask for it again.
    await this.#ask("pg_advisory_unlock", name).catch(() => this.close());
    this.#forget(name, lost);
  }

  #forget(name: string, lost: AbortController): void {
    if (this.#held.get(name) === lost) this.#held.delete(name);
  }

  /** One statement at a time: a connection has no queue of its own. */
  #ask(lockFunction: string, name: string): Promise<boolean> {
    const text = `select ${lockFunction}(hashtextextended($1, 0)) as done`;
    const answer = this.#turn.then(() => this.#client.query<{ done: boolean }>(text, [name]));
    this.#turn = answer.catch(() => {});
    return answer.then(
      ({ rows }) => rows[0]?.done === true,
      (error: unknown) => {
        throw toStorageError(error);
      },
    );
  }

  #end(error: Error | undefined, log: StorageLog): void {
    if (this.#ended) return;
    this.#ended = true;
    if (error !== undefined)
      log.warn({ err: error, locks: this.#held.size }, "database connection of locks lost");
    const reason = new StorageError("UNAVAILABLE", error ?? new Error("the connection of locks has ended"));
    const holders = [...this.#held.values()];
    this.#held.clear();
    for (const holder of holders) holder.abort(reason);
  }
}
