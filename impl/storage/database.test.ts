import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { testDatabase } from "./testing/test-database.ts";
import { inTransaction } from "./transaction.ts";

type Tables = { things: { id: bigint; name: string } };

const db = await testDatabase<Tables>({ maxConnections: 1 });
await sql`create table things (id bigint primary key, name text not null)`.execute(db.queries);

describe("values", () => {
  test("int8 arrives as bigint without loss, alone and in arrays", async () => {
    const { rows } =
      await sql`select 9007199254740993::int8 as one, '{1,null,-9223372036854775808}'::int8[] as many, '{}'::int8[] as none`.execute(
        db.queries,
      );
    expect(rows).toEqual([{ one: 9007199254740993n, many: [1n, null, -9223372036854775808n], none: [] }]);
  });

  test("timestamptz is a Date, a date stays text", async () => {
    const at = new Date("2026-02-03T04:05:06.789Z");
    const { rows } = await sql`select ${at}::timestamptz as at, '2026-02-03'::date as day`.execute(
      db.queries,
    );
    expect(rows).toEqual([{ at, day: "2026-02-03" }]);
  });

  test("a bigint parameter and a list of them reach the server whole", async () => {
    const id = 9007199254740993n;
    await db.queries.insertInto("things").values({ id, name: "big" }).execute();
    const found = await db.queries
      .selectFrom("things")
      .select("name")
      .where(sql<boolean>`id = any(${[id]}::int8[])`)
      .execute();
    expect(found).toEqual([{ name: "big" }]);
    const { numDeletedRows } = await db.queries
      .deleteFrom("things")
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
    expect(numDeletedRows).toBe(1n);
  });
});

describe("prepared statements", () => {
  const prepared = async () => {
    const { rows } = await sql<{ n: bigint }>`
      select count(*) as n from pg_prepared_statements where statement like '%"things"%'`.execute(db.queries);
    return rows[0]?.n;
  };

  test("a statement is prepared at its second use, not at its first", async () => {
    const find = (id: bigint) => db.queries.selectFrom("things").selectAll().where("id", "=", id).execute();
    await find(1n);
    expect(await prepared()).toBe(0n);
    await find(2n);
    await find(3n);
    expect(await prepared()).toBe(1n);
  });

  test("a statement survives a change of its table", async () => {
    const all = () => db.queries.selectFrom("things").selectAll().execute();
    await db.queries.insertInto("things").values({ id: 1n, name: "a" }).execute();
    await all();
    await all();
    await sql`alter table things add column extra int`.execute(db.queries);
    expect(await all()).toEqual([{ id: 1n, name: "a", extra: null }]);
  });
});

describe("a lost connection", () => {
  test("of an idle client is replaced at the next query", async () => {
    const other = openDatabase({ ...db, maxConnections: 1 });
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(other.queries);
    await sql`select pg_terminate_backend(${rows[0]?.pid}, 5000)`.execute(db.queries);
    await expect.poll(() => other.load().idle).toBe(0);
    await other.ping();
    await other.close();
  });

  test("between two statements of a transaction fails the transaction, not the process", async () => {
    const other = openDatabase({ ...db, maxConnections: 1 });
    const attempt = inTransaction(other, async (transaction) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction);
      await sql`select pg_terminate_backend(${rows[0]?.pid}, 5000)`.execute(db.queries);
      await sql`select 1`.execute(transaction);
    });
    await expect(attempt).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await other.ping();
    expect(other.load()).toEqual({ busy: 0, idle: 1, waiting: 0 });
    await other.close();
  });
});

describe("options", () => {
  test.each([
    [{ maxConnections: 0 }, "maxConnections 0"],
    [{ statementTimeoutMs: -1 }, "statementTimeoutMs -1"],
    [{ connectTimeoutMs: 1.5 }, "connectTimeoutMs 1.5"],
    [{ maxNamedStatements: Number.NaN }, "maxNamedStatements NaN"],
  ])("%o is refused with its value", (options, message) => {
    expect(() => openDatabase({ ...db, ...options })).toThrow(message);
  });

  test("a url of another kind is refused without being repeated", () => {
    expect(() => openDatabase({ ...db, url: "mysql://root:hunter2@h/d" })).toThrow(
      /^(?!.*hunter2).*postgres:/,
    );
  });

  test("the statement timeout is the server's", async () => {
    const other = openDatabase({ ...db, statementTimeoutMs: 1234 });
    const { rows } = await sql`show statement_timeout`.execute(other.queries);
    expect(rows).toEqual([{ statement_timeout: "1234ms" }]);
    await other.close();
    await other.close();
  });
});
