import { decodeProtectedHeader, type JSONWebKeySet } from "jose";
import { expect, test } from "vitest";
import { createTokenVerifier, MAX_ACCESS_TOKEN_SECONDS } from "#impl/auth/access-token.ts";
import { signToken } from "#impl/auth/sign-token.ts";
import { fetchedKeys } from "#impl/auth/trusted-keys.ts";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { testDatabase } from "#impl/storage/testing/test-database.ts";
import { createSecretBox, SecretUnreadable } from "../shared/secret-box.ts";
import { authSchema } from "./auth-tables.ts";
import { createSigningKeys } from "./signing-keys.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Several processes on one database, each with keys and a verifier of its own. */
async function startProcesses(count: number, seal = 1) {
  const database = await testDatabase<unknown>({ migrations: [authSchema] });
  const clock = manualClock();
  const keysOf = (key: number) =>
    createSigningKeys({
      database,
      clock,
      secrets: createSecretBox([new Uint8Array(32).fill(key)]),
      rotationMs: 10 * DAY_MS,
    });
  const processes = Array.from({ length: count }, () => {
    const keys = keysOf(seal);
    const fetch = (): Promise<JSONWebKeySet> => keys.published();
    return {
      keys,
      verify: createTokenVerifier({ keys: fetchedKeys({ fetch, clock, log: recordingLogger([]) }), clock }),
    };
  });
  const sign = async (keys = keysOf(seal)) =>
    signToken(
      await keys.current(),
      { userId: "ann", roles: [], permissions: [], lifetimeSeconds: MAX_ACCESS_TOKEN_SECONDS },
      clock,
    );
  return { database, clock, keysOf, processes, sign };
}

const kidOf = (token: string) => decodeProtectedHeader(token).kid;
const ids = ({ keys }: JSONWebKeySet) => keys.map(({ kid }) => kid);

test("processes that start at once sign with one key, and only its public half is published", async () => {
  const { processes, database } = await startProcesses(4);
  const current = await Promise.all(processes.map(({ keys }) => keys.current()));
  expect(new Set(current.map(({ keyId }) => keyId)).size).toBe(1);
  const published = await processes[0]?.keys.published();
  expect(published?.keys).toHaveLength(1);
  expect(JSON.stringify(published)).not.toContain('"d"');
  const rows = await database
    .typed<Record<string, Record<string, unknown>>>()
    .queries.selectFrom("auth.signing_keys")
    .selectAll()
    .execute();
  expect(JSON.stringify(rows)).not.toContain('"d"');
});

test("a new key is published before it signs, and the old one until the last of its tokens has expired", async () => {
  const { clock, processes, sign } = await startProcesses(2);
  const [one, two] = processes;
  if (one === undefined || two === undefined) throw new Error("there are two");
  const old = await sign(one.keys);
  await one.keys.advance();
  expect(ids(await one.keys.published())).toHaveLength(1);

  clock.advance(10 * DAY_MS - HOUR_MS / 2);
  await Promise.all(processes.map(({ keys }) => keys.advance()));
  expect(ids(await two.keys.published())).toHaveLength(2);
  expect(kidOf(await sign(one.keys))).toBe(kidOf(old));

  // The last token of the old key, a moment before the new one signs.
  clock.advance(HOUR_MS - 1_000);
  const last = await sign(two.keys);
  expect(kidOf(last)).toBe(kidOf(old));
  clock.advance(1_000);
  const first = await sign(two.keys);
  expect(kidOf(first)).not.toBe(kidOf(old));
  for (const { verify } of processes) {
    expect(await verify(first)).toMatchObject({ userId: "ann" });
    expect(await verify(last)).toMatchObject({ userId: "ann" });
  }

  clock.advance(MAX_ACCESS_TOKEN_SECONDS * 1_000 - 2_000);
  await one.keys.advance();
  for (const { verify } of processes) expect(await verify(last)).toMatchObject({ userId: "ann" });
  clock.advance(HOUR_MS);
  await one.keys.advance();
  expect(ids(await one.keys.published())).toEqual([kidOf(first)]);
});

test("a process that slept through a change publishes the next key as long as every other", async () => {
  const { clock, processes, sign } = await startProcesses(1);
  const keys = processes[0]?.keys;
  const old = await sign(keys);
  clock.advance(30 * DAY_MS);
  await keys?.advance();
  expect(kidOf(await sign(keys))).toBe(kidOf(old));
  clock.advance(HOUR_MS);
  expect(kidOf(await sign(keys))).not.toBe(kidOf(old));
});

test("keys that were sealed with another secret are not used", async () => {
  const { keysOf } = await startProcesses(0);
  await keysOf(1).current();
  await expect(keysOf(2).current()).rejects.toBeInstanceOf(SecretUnreadable);
});
