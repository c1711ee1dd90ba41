import { describe, expect, test } from "vitest";
import { testDatabase } from "../testing/test-database.ts";
import { testEventLog } from "../testing/test-event-log.ts";
import { inTransaction } from "../transaction.ts";
import type { NewEvent } from "./event.ts";

const database = await testDatabase();
const log = await testEventLog(database, "shop");
const forever = new AbortController().signal;

const stock = (key: string, text = ""): NewEvent => ({
  type: "stock.changed",
  keys: [key, "all"],
  payload: Buffer.from(text),
});

async function write(...events: NewEvent[]): Promise<void> {
  await inTransaction(database, (transaction) => log.append(transaction, events));
  log.committed();
}

describe("an event log", () => {
  test("gives every event of its keys to a reader, in order", async () => {
    const reader = log.subscribe({ keys: ["a"], after: await log.head(), signal: forever });
    await write(stock("a", "1"), stock("b", "2"), stock("a", "3"));
    await write(stock("a", "4"));
    const got = [await reader.next(5_000), await reader.next(5_000), await reader.next(5_000)];
    expect(got.map((event) => String(event?.payload))).toEqual(["1", "3", "4"]);
    expect(got[0]).toMatchObject({ type: "stock.changed", keys: ["a", "all"], position: 1n });
    expect(reader.position).toBe(4n);
    expect(await reader.next(1)).toBeUndefined();
    reader.close();
  });

  test("keeps keys and payloads of any characters", async () => {
    const keys = ['a"b', "c\\d", "{e,f}", "", "ü\n", "NULL"];
    const after = await log.head();
    await write({ type: "t", keys, payload: Uint8Array.of(0, 255, 1) });
    const reader = log.subscribe({ after, signal: forever });
    expect(await reader.next(5_000)).toMatchObject({ keys, payload: Buffer.of(0, 255, 1) });
    reader.close();
  });
});
