import { expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { openDatabase } from "#impl/storage/database.ts";
import { testDatabase } from "#impl/storage/testing/test-database.ts";
import { createAttempts } from "./attempt-limits.ts";
import { authSchema } from "./auth-tables.ts";

const database = await testDatabase<unknown>({ migrations: [authSchema] });
const clock = manualClock();
const limits = { windowMs: 60_000, byAccount: 3, byKnownAddress: 2, byAddress: 5, knownAddressMs: 600_000 };
const attempts = createAttempts({ database, clock, limits });
const { signal } = new AbortController();

let made = 0;
const someone = (): string => `someone${++made}@example.com`;
/** "wrong" when it was counted, else how long to wait. */
async function wrong(account: string, address: string, by = attempts): Promise<"wrong" | number> {
  try {
    await by.begin({ account, address }, signal);
    return "wrong";
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    expect([error.code, error.reason]).toEqual([Code.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS"]);
    const [retry] = error.details;
    return retry?.type === "RetryInfo" ? retry.delayMs : 0;
  }
}
const right = async (account: string, address: string): Promise<void> =>
  (await attempts.begin({ account, address }, signal)).succeeded(signal);

test("too many wrong passwords for an account are refused until the window is over, wherever they come from", async () => {
  const account = someone();
  for (const address of ["10.0.0.1", "10.0.0.2", "10.0.0.3"])
    expect(await wrong(account, address)).toBe("wrong");
  clock.advance(20_000);
  expect(await wrong(account, "10.0.0.4")).toBe(40_000);
  // Attempts that are refused do not make it longer.
  expect(await wrong(account, "10.0.0.5")).toBe(40_000);
  clock.advance(40_000);
  expect(await wrong(account, "10.0.0.4")).toBe("wrong");
});

test("too many from one address are refused for whatever accounts, and do not count against them", async () => {
  const owner = someone();
  for (let n = 0; n < 5; n++) expect(await wrong(someone(), "10.1.0.1")).toBe("wrong");
  for (let n = 0; n < 5; n++) expect(await wrong(owner, "10.1.0.1")).toBeGreaterThan(0);
  await right(owner, "10.1.0.2");
});

test("an owner logs in from a known address while others guess for ever", async () => {
  const [account, home] = [someone(), "10.2.0.1"];
  await right(account, home);
  for (let window = 0; window < 3; window++) {
    for (let n = 0; n < 5; n++) await wrong(account, `10.2.1.${n}`);
    expect(await wrong(account, "10.2.1.9")).toBeGreaterThan(0);
    await right(account, home);
    clock.advance(60_000);
  }
  expect(await wrong(account, home)).toBe("wrong");
  expect(await wrong(account, home)).toBe("wrong");
  expect(await wrong(account, home)).toBeGreaterThan(0);
});

test("a right password begins the count of its account anew, not that of its address", async () => {
  const [account, address] = [someone(), "10.3.0.1"];
  await wrong(account, address);
  await wrong(account, address);
  await right(account, address);
  expect(await wrong(someone(), address)).toBe("wrong");
  expect(await wrong(someone(), address)).toBe("wrong");
  expect(await wrong(someone(), address)).toBe("wrong");
  expect(await wrong(someone(), address)).toBeGreaterThan(0);
});

test("what was not decided was not counted", async () => {
  const account = someone();
  for (let n = 0; n < 10; n++) {
    const counted = await attempts.begin({ account, address: "10.4.0.1" }, signal);
    await counted.undecided(signal);
  }
});

test("attempts at the same time, in several processes, do not exceed the limit", async () => {
  const { url, sleep, random, log } = database;
  const other = openDatabase<unknown>({ url, sleep, random, log });
  try {
    const account = someone();
    const both = [attempts, createAttempts({ database: other, clock, limits })];
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => wrong(account, `10.5.0.${n}`, both[n % 2] ?? attempts)),
    );
    expect(outcomes.filter((outcome) => outcome === "wrong")).toHaveLength(3);
  } finally {
    await other.close();
  }
});

test("windows that are over and addresses that are not known any more are forgotten", async () => {
  const [account, home] = [someone(), "10.6.0.1"];
  await right(account, home);
  clock.advance(600_000);
  expect(await attempts.purge(signal)).toBeGreaterThan(0);
  expect(await attempts.purge(signal)).toBe(0);
  for (let n = 0; n < 3; n++) await wrong(account, `10.6.1.${n}`);
  expect(await wrong(account, home)).toBeGreaterThan(0);
});
