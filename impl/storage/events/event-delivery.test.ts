// The one law of reading: whatever a reader's keys and pace, wherever it begins, and whoever writes, it gets every matching event after
// its position once and in order.
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import { openDatabase } from "../database.ts";
import { silentLog } from "../storage-log.ts";
import { patienceMs, said, textOf, write } from "../testing/event-writing.ts";
import { testDatabase } from "../testing/test-database.ts";
import { testEventLog } from "../testing/test-event-log.ts";
import { createEventLog } from "./create-event-log.ts";
import type { Subscription } from "./event-log.ts";

const { signal } = new AbortController();
const database = await testDatabase();
const limits = { queueEvents: 3, ringEvents: 7, batchEvents: 4, pollMs: 50 };
const ours = await testEventLog(database, "shop", { limits });
const otherDatabase = openDatabase<unknown>({ ...database, maxConnections: 3 });
const theirs = createEventLog({
  database: otherDatabase,
  schema: "shop",
  clock: systemClock,
  log: silentLog,
});
afterAll(async () => {
  await theirs.stop();
  await otherDatabase.close();
});

const key = fc.constantFrom("a", "b", "c");
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      // More than the ring holds, at the most: whoever is notified of them has to leave some out.
      keysOfEach: fc.array(fc.uniqueArray(key, { minLength: 1 }), { minLength: 1, maxLength: 12 }),
      by: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("read" as const),
      reader: fc.nat(5),
      count: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("open" as const),
      keys: fc.option(fc.uniqueArray(key, { minLength: 1 }), { nil: undefined }),
      back: fc.nat(40),
    }),
  },
);

interface Reader {
  readonly subscription: Subscription;
  readonly keys: readonly string[] | undefined;
  /** Of all that was written, those before its position. */
  readonly skipped: number;
  readonly got: (string | undefined)[];
}

let run = 0;

test("every reader gets each of its events once, in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      run += 1;
      const start = await ours.head();
      const written: { readonly text: string; readonly keys: readonly string[] }[] = [];
      const readers: Reader[] = [];
      const open = (keys: readonly string[] | undefined, skipped: number) => {
        const after = start + BigInt(skipped);
        const subscription = ours.subscribe({ after, signal, ...(keys === undefined ? {} : { keys }) });
        readers.push({ subscription, keys, skipped, got: [] });
      };
      const due = ({ keys, skipped }: Reader) =>
        written.slice(skipped).filter((event) => keys?.some((each) => event.keys.includes(each)) ?? true);
      const read = async (reader: Reader | undefined, count: number) => {
        for (let n = 0; n < count && reader !== undefined && reader.got.length < due(reader).length; n++) {
          reader.got.push(textOf(await reader.subscription.next(patienceMs)));
        }
      };
      open(undefined, 0);
      for (const each of steps) {
        if (each.do === "write") {
          const events = each.keysOfEach.map((keys, n) => ({ text: `${run}.${written.length + n}`, keys }));
          written.push(...events);
          const toWrite = events.map(({ text, keys }) => said(text, ...keys));
          await (each.by ? write(database, ours, ...toWrite) : write(otherDatabase, theirs, ...toWrite));
        } else if (each.do === "open") {
          open(each.keys, Math.max(0, written.length - each.back));
        } else {
          await read(readers[each.reader], each.count);
        }
      }
      for (const reader of readers) {
        await read(reader, written.length);
        expect(reader.got).toEqual(due(reader).map(({ text }) => text));
        expect(await reader.subscription.next(0)).toBeUndefined();
        await expect.poll(() => reader.subscription.position).toBe(start + BigInt(written.length));
        reader.subscription.close();
      }
    }),
    { numRuns: 25 },
  );
});
