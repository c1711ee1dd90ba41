import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrations.ts";
import { testDatabase } from "./testing/test-database.ts";

const db = await testDatabase();
let folder = "";
let schema = "";
let made = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "migrations-"));
  schema = `shop_${++made}`;
  await file("0001_first.sql", "create table things (id int); insert into things values (1);");
  await file("0002_second.sql", "alter table things add column name text;");
});
afterEach(() => rm(folder, { recursive: true }));

const file = (name: string, text: string) => writeFile(join(folder, name), text);
const things = async () =>
  (await sql`select * from ${sql.table(`${schema}.things`)}`.execute(db.queries)).rows;

describe("migrations", () => {
  test("run in name order in their schema, and once", async () => {
    expect(await migrate(db, { schema, folder })).toEqual(["0001_first", "0002_second"]);
    expect(await migrate(db, { schema, folder })).toEqual([]);
    expect(await things()).toEqual([{ id: 1, name: null }]);
  });

  test("that were added later run later", async () => {
    await migrate(db, { schema, folder });
    await file("0003_third.sql", "drop table things;");
    expect(await migrate(db, { schema, folder })).toEqual(["0003_third"]);
  });

  test("run once when several processes start at once", async () => {
    await file("0003_slow.sql", "insert into things values (3); select pg_sleep(0.05);");
    const starters = Array.from({ length: 5 }, () => openDatabase(db));
    const applied = await Promise.all(starters.map((starter) => migrate(starter, { schema, folder })));
    await Promise.all(starters.map((starter) => starter.close()));
    expect(applied.flat().sort()).toEqual(["0001_first", "0002_second", "0003_slow"]);
    expect(await things()).toHaveLength(2);
  });

  test("of another schema are a list of their own", async () => {
    await migrate(db, { schema, folder });
    schema = `${schema}_b`;
    expect(await migrate(db, { schema, folder })).toHaveLength(2);
  });

  test("of another history in the same schema are a list of their own", async () => {
    await migrate(db, { schema, folder });
    const other = await mkdtemp(join(tmpdir(), "migrations-"));
    await writeFile(join(other, "0001_first.sql"), "create table others (id int);");
    const beside = { schema, folder: other, history: "other_migrations" };
    expect(await migrate(db, beside)).toEqual(["0001_first"]);
    expect(await migrate(db, beside)).toEqual([]);
    expect(await migrate(db, { schema, folder })).toEqual([]);
    await rm(other, { recursive: true });
  });

  test("leave nothing behind when they fail, and those before them stay", async () => {
    await file("0003_bad.sql", "insert into things values (3); select 1/0;");
    await file("0004_never.sql", "drop table things;");
    const error = { code: "FAILED", schema, migration: "0003_bad" };
    await expect(migrate(db, { schema, folder })).rejects.toMatchObject(error);
    expect(await things()).toHaveLength(1);
    await file("0003_bad.sql", "insert into things values (3);");
    expect(await migrate(db, { schema, folder })).toEqual(["0003_bad", "0004_never"]);
  });

  test("are the same with other line ends", async () => {
    await file("0003_lines.sql", "select 1;\nselect 2;\n");
    await migrate(db, { schema, folder });
    await file("0003_lines.sql", "select 1;\r\nselect 2;\r\n");
    expect(await migrate(db, { schema, folder })).toEqual([]);
  });
});

describe("nothing runs when", () => {
  beforeEach(async () => {
    await migrate(db, { schema, folder });
    await file("0003_third.sql", "drop table things;");
  });

  const refused = async (error: object) => {
    await expect(migrate(db, { schema, folder })).rejects.toMatchObject({ schema, ...error });
    expect(await things()).toHaveLength(1);
  };

  test("an applied file was changed", async () => {
    await file("0002_second.sql", "-- nothing");
    await refused({ code: "CHANGED", migration: "0002_second" });
  });

  test("an applied file is gone", async () => {
    await rm(join(folder, "0001_first.sql"));
    await refused({ code: "MISSING", migration: "0001_first" });
  });

  test("a new file sorts before an applied one", async () => {
    await file("0000_zeroth.sql", "select 1;");
    await refused({ code: "OUT_OF_ORDER", migration: "0000_zeroth" });
  });

  test.each(["3_short", "0003_third_again", "0004_UPPER"])("a file is named %s", async (name) => {
    await file(`${name}.sql`, "select 1;");
    await refused({ code: "BAD_NAME", migration: name });
  });

  test("the schema's name would need quoting", async () => {
    await expect(migrate(db, { schema: 'x"; drop', folder })).rejects.toThrow(RangeError);
  });
});
