import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { StorageError } from "./errors.ts";
import { isLocked, openSessionLocks, type SessionLock, type SessionLocks } from "./session-locks.ts";
import { silentLog } from "./storage-log.ts";
import { testDatabase } from "./testing/test-database.ts";

const database = await testDatabase();

function session(): SessionLocks {
  const locks = openSessionLocks({ url: database.url, log: silentLog });
  onTestFinished(() => locks.close());
  return locks;
}

async function taken(locks: SessionLocks, name: string): Promise<SessionLock> {
  const lock = await locks.take(name);
  if (lock === undefined) throw new Error(`${name} is locked`);
  return lock;
}

async function locked(name: string): Promise<boolean | undefined> {
  const { rows } = await sql<{ locked: boolean }>`select ${isLocked(sql`${name}`)} as locked`.execute(
    database.queries,
  );
  return rows[0]?.locked;
}

const endSessions = () =>
  sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where application_name = 'grpc-ecommerce locks' and datname = current_database()`.execute(
    database.queries,
  );

test("a lock has one holder, in one process and in two, until it is released", async () => {
  const [one, two] = [session(), session()];
  const lock = await taken(one, "a");
  expect(await one.take("a")).toBeUndefined();
  expect(await two.take("a")).toBeUndefined();
  expect(await locked("a")).toBe(true);
  await Promise.all([lock.release(), lock.release()]);
  expect(await locked("a")).toBe(false);
  const next = await taken(two, "a");
  await lock.release();
  expect(await one.take("a")).toBeUndefined();
  await next.release();
  await taken(one, "a");
});

test("locks of other names are others", async () => {
  const locks = session();
  const names = Array.from({ length: 50 }, (_, n) => `name ${n}`);
  await Promise.all(names.map((name) => taken(locks, name)));
  expect(await Promise.all(names.map(locked))).not.toContain(false);
  expect(await locked("name 50")).toBe(false);
});

test("who loses the connection is told, others can take the lock at once, and the next lock connects again", async () => {
  const [one, two] = [session(), session()];
  const lock = await taken(one, "b");
  const told = new Promise((resolve) => lock.lost.addEventListener("abort", resolve));
  await endSessions();
  await told;
  expect(lock.lost.reason).toBeInstanceOf(StorageError);
  expect(lock.lost.reason).toMatchObject({ code: "UNAVAILABLE" });
  await taken(two, "b");
  await lock.release();
  expect(await one.take("b")).toBeUndefined();
  await taken(one, "c");
});

test("closing lets go of every lock, and tells their holders", async () => {
  const [one, two] = [session(), session()];
  const lock = await taken(one, "d");
  await one.close();
  expect(lock.lost.aborted).toBe(true);
  await expect.poll(() => two.take("d")).toBeDefined();
});

test("a server that cannot be reached is UNAVAILABLE, each time", async () => {
  const locks = openSessionLocks({ url: "postgres://nobody@127.0.0.1:1/none", log: silentLog });
  await expect(locks.take("e")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect(locks.take("e")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await locks.close();
});
