import fc from "fast-check";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { Metric } from "#proto/ecommerce/v1/analytics.ts";
import type { Occurrence } from "./occurrence.ts";
import { occurrenceOf } from "./occurrence-event.ts";
import { startAnalytics } from "./testing/analytics-fixture.ts";
import { order } from "./testing/happenings.ts";

const { tell, database, events } = await startAnalytics();
const all = Array.from({ length: 12 }, (_, n): Occurrence => order(n, BigInt(n + 1)));
const some = fc.array(fc.constantFrom(...all), { maxLength: 8 });

async function revenue(): Promise<bigint> {
  const { rows } = await sql<{ readonly total: bigint }>`
    select coalesce(sum(amount), 0)::bigint as total from analytics.facts
    where metric = ${Metric.METRIC_REVENUE}`.execute(database.queries);
  return rows[0]?.total ?? 0n;
}

test("whatever is told in whatever order and however often counts once, in the figures and in the log", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(some, { maxLength: 6 }), async (batches) => {
      await sql`truncate analytics.facts, analytics.occurrences`.execute(database.queries);
      const after = await events.head();
      for (const batch of batches) await tell("orders", batch);
      const told = new Set(batches.flat());
      const expected = [...told].reduce((sum, { facts }) => sum + (facts[1]?.amount ?? 0n), 0n);
      expect(await revenue()).toBe(expected);
      const head = await events.head();
      const reading = events.subscribe({ after, signal: AbortSignal.timeout(5_000) });
      const logged: number[] = [];
      while (reading.position < head) {
        const event = await reading.next(50);
        if (event !== undefined) logged.push(occurrenceOf(event).time);
      }
      reading.close();
      expect(logged.sort()).toEqual([...told].map(({ time }) => time).sort());
    }),
    { numRuns: 10 },
  );
});
