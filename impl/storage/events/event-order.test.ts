// The order of events against that of transactions: what a number drawn before the commit cannot promise.
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import { openDatabase } from "../database.ts";
import { silentLog } from "../storage-log.ts";
import { positions, said, take, textOf, write } from "../testing/event-writing.ts";
import { testDatabase } from "../testing/test-database.ts";
import { testEventLog } from "../testing/test-event-log.ts";
import { inTransaction } from "../transaction.ts";
import { createEventLog } from "./create-event-log.ts";

const schema = "shop";
const never = 3_600_000;
const forever = new AbortController().signal;
const database = await testDatabase();
const log = await testEventLog(database, schema, { limits: { pollMs: never } });
beforeAll(async () => {
  await sql`create table shop.rows (id int primary key, value int not null)`.execute(database.queries);
  await sql`insert into shop.rows values (1, 0)`.execute(database.queries);
});

/** A transaction that stays open after it wrote an event, until it is let go. */
function slowTransaction(text: string) {
  const wrote = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const ended = inTransaction(database, async (transaction) => {
    await log.append(transaction, [said(text)]);
    wrote.resolve();
    await letGo.promise;
  });
  return {
    wrote: wrote.promise,
    async commit() {
      letGo.resolve();
      await ended;
      log.committed();
    },
  };
}

describe("a transaction that wrote first and commits last", () => {
  test("does not hold up the others, and its event is not skipped", async () => {
    const reader = log.subscribe({ after: await log.head(), signal: forever });
    const slow = slowTransaction("slow");
    await slow.wrote;
    await write(database, log, said("quick"));
    await write(database, log, said("quicker"));
    expect(await take(reader, 2)).toEqual(["quick", "quicker"]);
    await slow.commit();
    expect(await take(reader, 1)).toEqual(["slow"]);
    reader.close();
  });

  test("comes last for who reads again from the start", async () => {
    const after = await log.head();
    const slow = slowTransaction("slow");
    await slow.wrote;
    await write(database, log, said("quick"));
    await log.head();
    await slow.commit();
    const reader = log.subscribe({ after, signal: forever });
    expect(await take(reader, 2)).toEqual(["quick", "slow"]);
    reader.close();
  });
});

test("of two changes of a row, the one that began first and changed it last comes last", async () => {
  const after = await log.head();
  const began = Promise.withResolvers<void>();
  const changed = Promise.withResolvers<void>();
  const first = inTransaction(database, async (transaction) => {
    // Takes a transaction id.
    await sql`select pg_current_xact_id()`.execute(transaction);
    began.resolve();
    await changed.promise;
    await sql`update shop.rows set value = 1 where id = 1`.execute(transaction);
    await log.append(transaction, [said("value 1")]);
  });
  await began.promise;
  await inTransaction(database, async (transaction) => {
    await sql`update shop.rows set value = 2 where id = 1`.execute(transaction);
    changed.resolve();
    await log.append(transaction, [said("value 2")]);
  });
  await first;
  log.committed();
  const reader = log.subscribe({ after, signal: forever });
  expect(await take(reader, 2)).toEqual(["value 2", "value 1"]);
  const { rows } = await sql<{ value: number }>`select value from shop.rows`.execute(database.queries);
  expect(rows).toEqual([{ value: 1 }]);
  reader.close();
});

describe("two processes", () => {
  const otherDatabase = openDatabase<unknown>(database);
  const warnings: object[] = [];
  const options = {
    schema,
    clock: systemClock,
    log: { ...silentLog, warn: (fields: object) => warnings.push(fields) },
    limits: { pollMs: never, batchEvents: 3 },
  };
  const one = createEventLog({ ...options, database: database.typed<unknown>() });
  const other = createEventLog({ ...options, database: otherDatabase });
  afterAll(async () => {
    await Promise.all([one.stop(), other.stop()]);
    await otherDatabase.close();
  });

  test("number at the same time without a gap and without a repeat, and read the same", async () => {
    const after = await log.head();
    const readers = [one, other].map((each) => each.subscribe({ after, signal: forever }));
    const writing = Array.from({ length: 60 }, (_, n) =>
      n % 2 === 0
        ? write(database, one, said(`${n}a`), said(`${n}b`))
        : write(otherDatabase, other, said(`${n}a`), said(`${n}b`)),
    );
    const [ours = [], theirs = []] = await Promise.all(readers.map((reader) => take(reader, 120)));
    await Promise.all(writing);
    expect(theirs).toEqual(ours);
    expect(warnings).toEqual([]);
    const written = await positions(database, schema);
    expect(written.map(({ position }) => position)).toEqual(written.map((_, n) => BigInt(n + 1)));
    expect(written.slice(Number(after)).map(({ text }) => text)).toEqual(ours);
    for (const reader of readers) reader.close();
  });

  test("agree on the head, also while one of them gives positions to what was committed before", async () => {
    const after = await other.head();
    await inTransaction(database, (transaction) => log.append(transaction, [said("committed before")]));
    const numbered = Promise.withResolvers<void>();
    const letGo = Promise.withResolvers<void>();
    const numbering = inTransaction(database, async (transaction) => {
      await sql`select from shop.number_events(10)`.execute(transaction);
      numbered.resolve();
      await letGo.promise;
    });
    await numbered.promise;
    const head = other.head();
    await expect.poll(waitsForNumbering).toBe(true);
    letGo.resolve();
    await numbering;
    expect(await head).toBe(after + 1n);
  });

  test("hear of each other by notification", async () => {
    const reader = log.subscribe({ after: await log.head(), signal: forever });
    // Only the listening connection can tell: there is no poll. It may not be there yet.
    await expect
      .poll(async () => {
        await write(otherDatabase, other, said("from afar"));
        return textOf(await reader.next(100));
      })
      .toBe("from afar");
    reader.close();
  });
});

describe("an event whose writer died between its commit and the numbering", () => {
  const orphan = () => inTransaction(database, (transaction) => log.append(transaction, [said("orphan")]));

  test("is before the head that anyone takes after it", async () => {
    const after = await log.head();
    await orphan();
    expect(await log.head()).toBe(after + 1n);
  });

  test("is found by the poll of any process that reads", async () => {
    const polling = await testEventLog(database, schema, { limits: { pollMs: 20 } });
    const reader = polling.subscribe({ after: await polling.head(), signal: forever });
    await orphan();
    expect(await take(reader, 1)).toEqual(["orphan"]);
    reader.close();
  });
});

async function waitsForNumbering(): Promise<boolean> {
  const { rows } = await sql`
    select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like '%number_events%'`.execute(
    database.queries,
  );
  return rows.length > 0;
}
