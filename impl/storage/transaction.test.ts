import { sql } from "kysely";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { StorageError } from "./errors.ts";
import { testDatabase } from "./testing/test-database.ts";
import { inTransaction } from "./transaction.ts";

type Tables = { counters: { id: number; value: number } };

const sleep = vi.fn(async (_ms: number) => {});
const db = await testDatabase<Tables>({ sleep });
await sql`create table counters (id int primary key, value int not null)`.execute(db.queries);

beforeEach(async () => {
  sleep.mockClear();
  await sql`truncate counters; insert into counters values (1, 0), (2, 0)`.execute(db.queries);
});

const values = async () =>
  (await db.queries.selectFrom("counters").select("value").orderBy("id").execute()).map(({ value }) => value);

/** Reached by `n` callers, it lets all of them pass. */
function meeting(n: number): () => Promise<void> {
  const all = Promise.withResolvers<void>();
  let arrived = 0;
  return async () => {
    if (++arrived >= n) all.resolve();
    await all.promise;
  };
}

describe("a transaction", () => {
  test("commits what its function did and returns its result", async () => {
    const result = await inTransaction(db, async (transaction) => {
      await transaction.updateTable("counters").set({ value: 7 }).where("id", "=", 1).execute();
      return "done";
    });
    expect(result).toBe("done");
    expect(await values()).toEqual([7, 0]);
  });

  test("rolls back when its function throws, and rejects with that error", async () => {
    const thrown = new Error("domain rule");
    const work = inTransaction(db, async (transaction) => {
      await transaction.updateTable("counters").set({ value: 7 }).execute();
      throw thrown;
    });
    await expect(work).rejects.toBe(thrown);
    expect(await values()).toEqual([0, 0]);
    expect(sleep).not.toHaveBeenCalled();
  });

  test("is run again after a serialization failure, so that no update is lost", async () => {
    const bothHaveRead = meeting(2);
    const increment = () =>
      inTransaction(
        db,
        async (transaction) => {
          const { value } = await transaction
            .selectFrom("counters")
            .select("value")
            .where("id", "=", 1)
            .executeTakeFirstOrThrow();
          await bothHaveRead();
          await transaction
            .updateTable("counters")
            .set({ value: value + 1 })
            .where("id", "=", 1)
            .execute();
        },
        { isolation: "serializable" },
      );
    await Promise.all([increment(), increment()]);
    expect(await values()).toEqual([2, 0]);
    // random() is 0.5, the first pause at most 10 ms.
    expect(sleep.mock.calls).toEqual([[5, undefined]]);
  });

  test("is run again when it was the victim of a deadlock", async () => {
    const bothHoldOne = meeting(2);
    const lock = (first: number, second: number) =>
      inTransaction(db, async (transaction) => {
        await sql`update counters set value = value + 1 where id = ${first}`.execute(transaction);
        await bothHoldOne();
        await sql`update counters set value = value + 1 where id = ${second}`.execute(transaction);
      });
    await Promise.all([lock(1, 2), lock(2, 1)]);
    expect(await values()).toEqual([2, 2]);
    expect(sleep).toHaveBeenCalled();
  });

  test("gives up after its retries with the last failure, in pauses that grow to a limit", async () => {
    const work = vi.fn(async () => {
      throw new StorageError("SERIALIZATION_FAILURE", new Error("again"));
    });
    await expect(inTransaction(db, work, { retries: 6 })).rejects.toMatchObject({
      code: "SERIALIZATION_FAILURE",
    });
    expect(work).toHaveBeenCalledTimes(7);
    expect(sleep.mock.calls.map(([ms]) => ms)).toEqual([5, 10, 20, 40, 80, 125]);
  });

  test("is not repeated when the connection was lost", async () => {
    const work = vi.fn(async () => {
      throw new StorageError("UNAVAILABLE", new Error("gone"));
    });
    await expect(inTransaction(db, work)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(work).toHaveBeenCalledTimes(1);
  });

  test("refuses a number of retries that is none", async () => {
    await expect(inTransaction(db, async () => {}, { retries: -1 })).rejects.toThrow("retries -1");
  });
});
