import { sql } from "kysely";
import { afterEach, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { testDatabase } from "./testing/test-database.ts";

const database = await testDatabase();
const notify = (channel: string, payload: string) =>
  sql`select pg_notify(${channel}, ${payload})`.execute(database.queries);
const listeners = async () => {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_stat_activity where datname = current_database() and application_name like '%notifications'`.execute(
    database.queries,
  );
  return rows.map(({ pid }) => pid);
};
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});
const listen = (channel: string, on = database) => {
  const heard: (string | undefined)[] = [];
  stops.push(on.listen(channel, (payload) => heard.push(payload)));
  return heard;
};

/** The connection may not be there yet, so it is told again and again; when this resolves, nothing of it is on its way any more. */
const hears = async (channel: string, heard: readonly unknown[]) => {
  await expect
    .poll(async () => {
      await notify(channel, "hello");
      return heard;
    })
    .toContain("hello");
  await notify(channel, "that was all");
  await expect.poll(() => heard).toContain("that was all");
};

test("listeners hear their own channels, on one connection, and first that it is there", async () => {
  const [one, also, other] = [listen("one"), listen("one"), listen('An "other" channel')];
  await expect.poll(() => one).toEqual([undefined]);
  await notify("one", "1");
  await notify('An "other" channel', "2");
  await expect.poll(() => other).toEqual([undefined, "2"]);
  expect([one, also]).toEqual([
    [undefined, "1"],
    [undefined, "1"],
  ]);
  expect(await listeners()).toHaveLength(1);
});

test("a channel that is asked for later is heard on the same connection", async () => {
  await hears("one", listen("one"));
  await hears("later", listen("later"));
  expect(await listeners()).toHaveLength(1);
});

test("after a lost connection a new one is made, and the listeners are told that they may have missed something", async () => {
  const heard = listen("one");
  await hears("one", heard);
  heard.length = 0;
  // All of them: the connection of an earlier test may still be on its way out.
  const pids = await listeners();
  await sql`select pg_terminate_backend(pid) from unnest(${pids}::int[]) as pid`.execute(database.queries);
  await expect.poll(() => heard).toEqual([undefined]);
  await notify("one", "after");
  await expect.poll(() => heard).toEqual([undefined, "after"]);
  for (const pid of pids) expect(await listeners()).not.toContain(pid);
});

test("whoever stopped listening hears nothing", async () => {
  const [gone, stays] = [listen("one"), listen("one")];
  stops[0]?.();
  await hears("one", stays);
  expect(gone).not.toContain("hello");
});

test("closing the database closes the connection, also one that is being made", async () => {
  const [listening, connecting] = [openDatabase<unknown>(database), openDatabase<unknown>(database)];
  const before = await listeners();
  const heard: unknown[] = [];
  listening.listen("one", (payload) => heard.push(payload));
  await expect.poll(() => heard).toEqual([undefined]);
  await listening.close();
  connecting.listen("one", () => {});
  await connecting.close();
  await expect.poll(listeners).toEqual(before);
});

test("a server that is not there is tried again, and told of once", async () => {
  const warned: string[] = [];
  const pauses: number[] = [];
  const lost = openDatabase<unknown>({
    ...database,
    url: "postgres://nobody@127.0.0.1:1/nothing",
    sleep: async (ms) => void pauses.push(ms),
    log: { ...database.log, warn: (_, message) => warned.push(message) },
  });
  lost.listen("one", () => {});
  await expect.poll(() => pauses.length).toBeGreaterThan(12);
  await lost.close();
  expect(warned).toEqual(["no connection for notifications"]);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(5_000);
  expect(pauses.slice(0, 4)).toEqual([75, 150, 300, 600]);
});
