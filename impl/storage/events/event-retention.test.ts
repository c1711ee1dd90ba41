import { expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { patienceMs, positions, said, take, write } from "../testing/event-writing.ts";
import { testDatabase } from "../testing/test-database.ts";
import { testEventLog } from "../testing/test-event-log.ts";
import { inTransaction } from "../transaction.ts";
import { EventsExpired } from "./event-errors.ts";
import { purgeEvents } from "./event-retention.ts";

const dayMs = 86_400_000;
const { signal } = new AbortController();
const database = await testDatabase();

test("events are deleted when they are old enough, and who wants them is told so", async () => {
  const clock = manualClock();
  const began = clock.now();
  const log = await testEventLog(database, "shop", { clock });
  const purge = () =>
    purgeEvents({ database: database.typed(), schemas: ["shop"], clock, retentionMs: dayMs }, signal);
  const texts = async () => (await positions(database, "shop")).map(({ text }) => text);
  const oldest = Array.from({ length: 2_500 }, (_, n) => said(`old ${n}`));
  await write(database, log, ...oldest);
  await log.head();
  clock.advance(dayMs);
  await write(database, log, said("later"));
  expect(await log.head()).toBe(2_501n);
  expect(await purge()).toBe(0);

  clock.advance(1);
  await inTransaction(database, (transaction) => log.append(transaction, [said("without a position")]));
  expect(await purge()).toBe(2_500);
  expect(await texts()).toEqual(["without a position", "later"]);
  expect(await purge()).toBe(0);

  const restarted = await testEventLog(database, "shop", { clock });
  const late = restarted.subscribe({ after: 2_499n, signal });
  const expired = await late.next(patienceMs).catch((error: unknown) => error);
  expect(expired).toBeInstanceOf(EventsExpired);
  expect(expired).toMatchObject({ after: 2_499n, oldestTime: began + dayMs });
  const inTime = restarted.subscribe({ after: 2_500n, signal });
  expect(await take(inTime, 2)).toEqual(["later", "without a position"]);
  for (const each of [late, inTime]) each.close();

  clock.advance(10 * dayMs);
  const purges = await Promise.all([purge(), purge(), purge()]);
  expect(purges.toSorted()).toEqual([0, 0, 2]);
  expect(await restarted.head()).toBe(2_502n);
});
