import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { StorageError, toStorageError } from "./errors.ts";
import { testDatabase } from "./testing/test-database.ts";

type Tables = { parents: { id: bigint; email: string; age: number | null } };

const db = await testDatabase<Tables>({ statementTimeoutMs: 50 });
await sql`
  create table parents (
    id bigint primary key,
    email text not null constraint parents_email_key unique,
    age int constraint parents_age_check check (age > 0)
  );
  create table children (parent_id bigint constraint children_parent_fkey references parents);
  insert into parents values (1, 'secret@example.com', 3)`.execute(db.queries);

const failures = [
  [
    "insert into parents values (2, 'secret@example.com', 1)",
    "UNIQUE_VIOLATION",
    "parents_email_key",
    "parents",
  ],
  ["insert into parents values (2, 'b@example.com', 0)", "CHECK_VIOLATION", "parents_age_check", "parents"],
  ["insert into parents values (2, null, 1)", "NOT_NULL_VIOLATION", undefined, "parents"],
  ["insert into children values (9)", "FOREIGN_KEY_VIOLATION", "children_parent_fkey", "children"],
  ["select pg_sleep(30)", "STATEMENT_TIMEOUT", undefined, undefined],
  ["selec 1", "UNEXPECTED", undefined, undefined],
  ["select pg_terminate_backend(pg_backend_pid())", "UNAVAILABLE", undefined, undefined],
] as const;

describe("a failing statement rejects with a StorageError", () => {
  test.each(failures)("%s is %s", async (statement, code, constraint, table) => {
    const error = await sql
      .raw(statement)
      .execute(db.queries)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(StorageError);
    expect(error).toMatchObject({ code, constraint, table });
  });

  test("whose message holds no row values, and whose detail does", async () => {
    const error = await db.queries
      .insertInto("parents")
      .values({ id: 5n, email: "secret@example.com", age: 1 })
      .execute()
      .catch(toStorageError);
    expect(error).toMatchObject({ detail: expect.stringContaining("secret@example.com") });
    expect(String(error)).not.toContain("secret");
  });

  test("UNAVAILABLE when nothing listens", async () => {
    const nowhere = openDatabase({ ...db, url: "postgres://u:p@127.0.0.1:1/d" });
    await expect(nowhere.ping()).rejects.toMatchObject({ code: "UNAVAILABLE", sqlState: "ECONNREFUSED" });
    await nowhere.close();
  });

  test("QUERY_CANCELLED when somebody else cancels it", async () => {
    await expect(
      sql`select pg_cancel_backend(pg_backend_pid()), pg_sleep(1)`.execute(db.queries),
    ).rejects.toMatchObject({ code: "QUERY_CANCELLED" });
  });
});
