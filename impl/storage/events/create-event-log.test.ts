import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { patienceMs, said, take, write } from "../testing/event-writing.ts";
import { testDatabase } from "../testing/test-database.ts";
import { testEventLog } from "../testing/test-event-log.ts";
import { inTransaction } from "../transaction.ts";
import { EventsExpired, SlowConsumer } from "./event-errors.ts";

const forever = new AbortController().signal;
const database = await testDatabase();
const log = await testEventLog(database, "shop");
const follow = async (...keys: string[]) =>
  log.subscribe({ after: await log.head(), signal: forever, ...(keys.length === 0 ? {} : { keys }) });

describe("a reader", () => {
  test("gets the events of its keys, each once and in order", async () => {
    const reader = await follow("a", "b");
    await write(database, log, said("1", "a"), said("2", "c"), said("3", "b", "a"));
    await write(database, log, said("4", "b"));
    expect(await take(reader, 3)).toEqual(["1", "3", "4"]);
    expect(await reader.next(1)).toBeUndefined();
    reader.close();
  });

  test("without keys gets all, and can iterate", async () => {
    const reader = await follow();
    await write(database, log, said("1", "a"), said("2", "b"));
    const texts: string[] = [];
    for await (const { payload } of reader) if (texts.push(String(payload)) === 2) break;
    expect(texts).toEqual(["1", "2"]);
    await expect(reader.next(1)).rejects.toThrow("closed");
  });

  test("learns how far it has come from events that are not its own", async () => {
    const reader = await follow("a");
    const start = reader.position;
    await write(database, log, said("1", "b"), said("2", "b"));
    await expect.poll(() => reader.position).toBe(start + 2n);
    await write(database, log, said("3", "a"), said("4", "b"));
    await expect.poll(() => reader.position).toBe(start + 2n);
    expect(await reader.next(patienceMs)).toMatchObject({ position: start + 3n });
    await expect.poll(() => reader.position).toBe(start + 4n);
    reader.close();
  });

  test("gets keys and payloads of any characters as they were written", async () => {
    const keys = ['a"b', "c\\d", "{e,f}", "", "ü\n", "NULL"];
    const reader = await follow();
    await write(database, log, { type: "t", keys, payload: Uint8Array.of(0, 255, 1) });
    expect(await reader.next(patienceMs)).toMatchObject({ type: "t", keys, payload: Buffer.of(0, 255, 1) });
    reader.close();
  });

  test("gets nothing of a transaction that was rolled back", async () => {
    const reader = await follow();
    const failing = inTransaction(database, async (transaction) => {
      await log.append(transaction, [said("never")]);
      throw new Error("rolled back");
    });
    await expect(failing).rejects.toThrow("rolled back");
    await write(database, log, said("after"));
    expect(await take(reader, 1)).toEqual(["after"]);
    reader.close();
  });

  test("ends with the reason of its signal", async () => {
    const abort = new AbortController();
    const reader = log.subscribe({ after: await log.head(), signal: abort.signal });
    const next = reader.next(patienceMs);
    abort.abort(new Error("gone"));
    await expect(next).rejects.toThrow("gone");
    const late = log.subscribe({ after: 0n, signal: abort.signal });
    await expect(late.next(patienceMs)).rejects.toThrow("gone");
  });
});

describe("a reader that is behind", () => {
  const written = Array.from({ length: 40 }, (_, n) => `${n}`);
  const expected = written.map((text) => (Number(text) % 3 === 0 ? text : undefined)).filter(Boolean);

  // The second limit of each pair makes the first be met by the ring or by the database.
  test.each([
    ["the ring", { queueEvents: 4, ringEvents: 4_096 }],
    ["the database", { queueEvents: 4, ringEvents: 5 }],
    ["the database, because the ring is full of bytes", { queueEvents: 4, ringBytes: 1_000 }],
  ])("catches up from %s and goes on live without a gap or a repeat", async (_, limits) => {
    const behind = await testEventLog(database, "shop", { limits });
    const start = await behind.head();
    const reader = behind.subscribe({ keys: ["third"], after: start, signal: forever });
    for (const text of written) {
      await write(database, behind, said(text, Number(text) % 3 === 0 ? "third" : "other"));
    }
    expect(await take(reader, expected.length)).toEqual(expected);
    await write(database, behind, said("live", "third"));
    expect(await take(reader, 1)).toEqual(["live"]);
    expect(await behind.head()).toBe(reader.position);
    const again = behind.subscribe({ keys: ["third"], after: start, signal: forever });
    expect(await take(again, expected.length + 1)).toEqual([...expected, "live"]);
    for (const each of [reader, again]) each.close();
  });

  test("is watched, and ended when it does not ask for what waits for it", async () => {
    const clock = manualClock();
    const limits = { queueEvents: 2, slowConsumerMs: 1_000 };
    const watched = await testEventLog(database, "shop", { clock, limits });
    const after = await watched.head();
    const told: string[] = [];
    const open = (name: string) =>
      watched.subscribe({
        after,
        signal: forever,
        onSlow: ({ behindMs }) => told.push(`${name} ${behindMs}`),
      });
    const [slow, stalling, steady] = [open("slow"), open("stalling"), open("steady")];
    await write(database, watched, said("1"), said("2"), said("3"), said("4"), said("5"));
    await watched.head();
    clock.advance(999);
    expect(await take(stalling, 1)).toEqual(["1"]);
    expect(await take(steady, 1)).toEqual(["1"]);
    expect(told).toEqual([]);
    clock.advance(1);
    expect(told).toEqual(["slow 1000"]);
    await expect(slow.next(0)).rejects.toBeInstanceOf(SlowConsumer);

    // What it is given at once is a queue, and then it is behind again.
    expect(await take(stalling, 2)).toEqual(["2", "3"]);
    expect(await take(steady, 4)).toEqual(["2", "3", "4", "5"]);
    clock.advance(999);
    expect(await steady.next(0)).toBeUndefined();
    clock.advance(1);
    expect(told).toEqual(["slow 1000", "stalling 1000"]);
    clock.advance(10_000);
    expect(await steady.next(0)).toBeUndefined();
    steady.close();
    expect(told).toHaveLength(2);
  });
});

describe("a reader that asks for what is not kept", () => {
  const purge = async (log: { head(): Promise<bigint> }) => {
    const head = await log.head();
    await sql`delete from shop.outbox where position <= ${head}`.execute(database.queries);
    await sql`update shop.outbox_head set purged_through = ${head}`.execute(database.queries);
    return head;
  };

  test("is told so, also when nothing is left", async () => {
    const fresh = await testEventLog(database, "shop");
    const head = await purge(fresh);
    const late = await testEventLog(database, "shop");
    const reader = late.subscribe({ after: head - 1n, signal: forever });
    await expect(reader.next(patienceMs)).rejects.toBeInstanceOf(EventsExpired);
    const atHead = late.subscribe({ after: head, signal: forever });
    await write(database, late, said("kept"));
    expect(await take(atHead, 1)).toEqual(["kept"]);
    for (const each of [reader, atHead]) each.close();
  });

  test("is told so when the log never came that far: the database is one from before", async () => {
    const reader = log.subscribe({ after: (await log.head()) + 1n, signal: forever });
    await expect(reader.next(patienceMs)).rejects.toBeInstanceOf(EventsExpired);
  });
});

test("readers go on after their connections were cut", async () => {
  const reader = await follow();
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`.execute(database.queries);
  await expect
    .poll(() => write(database, log, said("again")).catch((error: Error) => error.name))
    .toBeUndefined();
  expect(await take(reader, 1)).toEqual(["again"]);
  reader.close();
});

test("a log that is stopped ends its readers", async () => {
  const stopping = await testEventLog(database, "shop");
  const reader = stopping.subscribe({ after: await stopping.head(), signal: forever });
  const next = reader.next(patienceMs);
  await stopping.stop();
  await expect(next).rejects.toThrow("stopped");
  await expect(stopping.head()).rejects.toThrow("stopped");
  stopping.committed();
});

test("a limit that is none is refused", async () => {
  await expect(testEventLog(database, "shop", { limits: { queueEvents: 0 } })).rejects.toThrow(
    "queueEvents 0",
  );
});

test("an event for many readers lets others have their turn before all have it", async () => {
  const after = await log.head();
  const readers = Array.from({ length: 1_000 }, () => log.subscribe({ after, signal: forever }));
  let told = 0;
  let turns = 0;
  const reading = readers.map(async (reader) => {
    await reader.next(patienceMs);
    told += 1;
  });
  const others = async () => {
    while (told < readers.length) {
      await new Promise((resolve) => setImmediate(resolve));
      if (told > 0) turns += 1;
    }
  };
  await write(database, log, said("to all"));
  await Promise.all([...reading, others()]);
  expect(turns).toBeGreaterThan(5);
  for (const reader of readers) reader.close();
});
