import fc from "fast-check";
import { expect, test } from "vitest";
import { batch } from "./batch.ts";

test("outcomes are those of the items, in their order, and no more run at a time than may", async () => {
  const items = fc.array(fc.tuple(fc.nat(5), fc.boolean()), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(items, fc.integer({ min: 1, max: 10 }), async (work, concurrency) => {
      let running = 0;
      let most = 0;
      const outcomes = await batch(
        work,
        async ([turns, succeeds]) => {
          most = Math.max(most, ++running);
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
          running -= 1;
          if (!succeeds) throw new Error(`failed after ${turns}`);
          return turns;
        },
        { concurrency },
      );
      expect(outcomes).toEqual(
        work.map(([turns, ok]) =>
          ok ? { ok, value: turns } : { ok, error: new Error(`failed after ${turns}`) },
        ),
      );
      expect(most).toBeLessThanOrEqual(concurrency);
    }),
  );
});

test("nothing is begun after the signal has aborted, and what was not begun says so", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const begun: number[] = [];
  const outcomes = await batch(
    [1, 2, 3, 4],
    async (item) => {
      begun.push(item);
      if (item === 2) controller.abort(reason);
      return item;
    },
    { concurrency: 1, signal: controller.signal },
  );
  expect(begun).toEqual([1, 2]);
  expect(outcomes).toEqual([
    { ok: true, value: 1 },
    { ok: true, value: 2 },
    { ok: false, error: reason },
    { ok: false, error: reason },
  ]);
});

test.each([0, -1, 1.5, Number.NaN])("a concurrency of %d is refused", async (concurrency) => {
  await expect(batch([], async () => {}, { concurrency })).rejects.toThrow(`${concurrency}`);
});
