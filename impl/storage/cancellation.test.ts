import { sql } from "kysely";
import { afterAll, describe, expect, test, vi } from "vitest";
import { openDatabase } from "./database.ts";
import { testDatabase } from "./testing/test-database.ts";
import { inTransaction } from "./transaction.ts";

const watcher = await testDatabase();
// One connection: what comes next must run on the one whose query was cancelled.
const db = openDatabase({ ...watcher, maxConnections: 1, statementTimeoutMs: 0 });
afterAll(() => db.close());

const sleeping = async () => {
  const { rows } = await sql<{ n: bigint }>`
    select count(*) as n from pg_stat_activity
    where state = 'active' and query like 'select pg_sleep%' and pid <> pg_backend_pid()`.execute(
    watcher.queries,
  );
  return rows[0]?.n;
};
const pid = async () => {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db.queries);
  return rows[0]?.pid;
};

describe("a query whose signal aborts", () => {
  test("ends in the database, rejects with the reason, and leaves its connection usable", async () => {
    const before = await pid();
    const abort = new AbortController();
    const query = sql`select pg_sleep(30)`.execute(db.queries, { signal: abort.signal });
    await expect.poll(sleeping).toBe(1n);
    const reason = new Error("deadline");
    abort.abort(reason);
    await expect(query).rejects.toBe(reason);
    expect(await pid()).toBe(before);
    expect(await sleeping()).toBe(0n);
  });

  test("is not sent when the signal was aborted before", async () => {
    const signal = AbortSignal.abort(new Error("too late"));
    await expect(sql`select pg_sleep(30)`.execute(db.queries, { signal })).rejects.toThrow("too late");
    expect(await sleeping()).toBe(0n);
  });

  test("stops waiting for a connection, which then serves the next", async () => {
    const release = Promise.withResolvers<void>();
    const held = db.queries.connection().execute(() => release.promise);
    await expect.poll(() => db.load().busy).toBe(1);
    const abort = new AbortController();
    const query = sql`select 1`.execute(db.queries, { signal: abort.signal });
    await expect.poll(() => db.load().waiting).toBe(1);
    abort.abort(new Error("enough"));
    await expect(query).rejects.toThrow("enough");
    release.resolve();
    await held;
    await db.ping();
    await expect.poll(() => db.load()).toEqual({ busy: 0, idle: 1, waiting: 0 });
  });

  test("never cancels the query that comes after it on the same connection", async () => {
    for (let round = 0; round < 20; round++) {
      const abort = new AbortController();
      const query = sql`select ${round}::int`.execute(db.queries, { signal: abort.signal });
      const next = sql`select pg_sleep(0.001)`.execute(db.queries);
      setImmediate(() => abort.abort(new Error("at any moment")));
      await query.catch(() => {});
      await next;
    }
  });

  test("leaves no listener on the signal when it was not aborted", async () => {
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, "removeEventListener");
    const added = vi.spyOn(signal, "addEventListener");
    await db.ping(signal);
    expect(added.mock.calls.length).toBeGreaterThan(0);
    const listeners = removed.mock.calls.map(([, listener]) => listener);
    for (const [, listener] of added.mock.calls) expect(listeners).toContain(listener);
  });
});

describe("a transaction whose signal aborts", () => {
  test.each(["the transaction's", "the query's"])(
    "by %s signal cancels its statement and rolls back",
    async (whose) => {
      await sql`create table if not exists written (n int)`.execute(db.queries);
      const before = await pid();
      const abort = new AbortController();
      const { signal } = abort;
      const work = inTransaction(
        db,
        async (transaction) => {
          await sql`insert into written values (1)`.execute(transaction);
          await sql`select pg_sleep(30)`.execute(transaction, whose === "the query's" ? { signal } : {});
        },
        whose === "the query's" ? {} : { signal },
      );
      await expect.poll(sleeping).toBe(1n);
      abort.abort(new Error("caller left"));
      await expect(work).rejects.toThrow("caller left");
      expect(await sleeping()).toBe(0n);
      expect((await sql`select * from written`.execute(db.queries)).rows).toEqual([]);
      expect(await pid()).toBe(before);
    },
  );

  test("after its last statement does not commit", async () => {
    const abort = new AbortController();
    const work = inTransaction(
      db,
      async (transaction) => {
        await sql`insert into written values (2)`.execute(transaction);
        abort.abort(new Error("just before the commit"));
      },
      { signal: abort.signal },
    );
    await expect(work).rejects.toThrow("just before the commit");
    expect((await sql`select * from written`.execute(db.queries)).rows).toEqual([]);
  });

  test("has no hold on what the connection runs afterwards", async () => {
    const abort = new AbortController();
    await inTransaction(db, async () => {}, { signal: abort.signal });
    abort.abort();
    await db.ping();
  });
});
