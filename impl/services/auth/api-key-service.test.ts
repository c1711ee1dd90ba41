import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { apiKeyIdOf, hashApiKeySecret } from "#impl/auth/api-key-secret.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import {
  type ApiKey,
  ApiKeyState,
  CreateApiKeyRequest,
  ListApiKeysRequest,
  Revocation,
} from "#proto/ecommerce/v1/auth.ts";
import { SuspendUserRequest, UpdateUserRequest } from "#proto/ecommerce/v1/user.ts";
import { API_KEYS_PER_USER, administrator, as, service, startApiKeys } from "./testing/api-key-fixture.ts";

const { client, users, database, clock, audit, userWith } = await startApiKeys();
const DAY_MS = 86_400_000;
const SCOPES = ["orders.read", "users.read"];

type CallOptions = ReturnType<typeof as>;
type Made = { readonly key: ApiKey; readonly secret: string };

async function create(
  userId: string,
  content: Parameters<typeof CreateApiKeyRequest.fromPartial>[0] = {},
  caller: CallOptions = as(userId),
): Promise<Made> {
  const request = { userId, displayName: "the export", scopes: SCOPES, ...content };
  const { apiKey, secret } = await client.createApiKey(CreateApiKeyRequest.fromPartial(request), caller);
  return { key: given(apiKey), secret };
}

const verify = (secret: string) => client.verifyApiKey({ secret }, service);
const rotate = (apiKeyId: string, seconds: bigint, caller = administrator) =>
  client.rotateApiKey({ apiKeyId, overlap: { seconds, nanos: 0 } }, caller);
const revoke = (apiKeyId: string, caller = administrator) => client.revokeApiKey({ apiKeyId }, caller);
const list = (request: Parameters<typeof ListApiKeysRequest.fromPartial>[0]) =>
  client.listApiKeys(ListApiKeysRequest.fromPartial(request), administrator);

function given(key: ApiKey | undefined): ApiKey {
  if (key === undefined) throw new Error("the response has no key");
  return key;
}

const invalid = { code: Code.UNAUTHENTICATED, reason: "API_KEY_INVALID" };
const notFound = { code: Code.NOT_FOUND, reason: "NOT_FOUND" };

/** What was revoked for the key, by the events of the service. */
async function revocationsOf(apiKeyId: string): Promise<Revocation[]> {
  const { rows } = await sql<{ payload: Buffer }>`select payload from auth.outbox`.execute(database.queries);
  return rows
    .map(({ payload }) => Revocation.decode(payload))
    .filter(({ target }) => target?.value === apiKeyId);
}

describe("CreateApiKey", () => {
  test("makes so many keys of a user at most, not counting those that are over", async () => {
    const userId = await userWith("support_agent");
    const soon = new Date(clock.now() + DAY_MS);
    const made = await Promise.allSettled(
      Array.from({ length: API_KEYS_PER_USER + 3 }, (_, n) =>
        create(userId, n % 2 ? {} : { expireTime: soon }),
      ),
    );
    const keys = made.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value.key] : []));
    expect(keys).toHaveLength(API_KEYS_PER_USER);
    const full = {
      code: Code.RESOURCE_EXHAUSTED,
      reason: "TOO_MANY_API_KEYS",
      details: {
        errorInfo: { metadata: { limit: String(API_KEYS_PER_USER) } },
        quotaFailure: { violations: [{ subject: "API keys of the user" }] },
      },
    };
    for (const outcome of made) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject(full);
    }
    const [lasting] = keys.filter(({ expireTime }) => expireTime === undefined);
    await rotate(given(lasting).apiKeyId, 0n);
    await expect(create(userId)).rejects.toMatchObject(full);
    await revoke(given(lasting).apiKeyId);
    await create(userId);
    await expect(create(userId)).rejects.toMatchObject(full);
    clock.advance(DAY_MS);
    await create(userId);
  });

  test("gives a secret that works and of which nothing but a hash is kept", async () => {
    const userId = await userWith("support_agent");
    const { key, secret } = await create(userId);
    expect(key).toMatchObject({
      userId,
      displayName: "the export",
      scopes: SCOPES,
      state: ApiKeyState.API_KEY_STATE_ACTIVE,
      expireTime: undefined,
      lastUseTime: undefined,
    });
    expect(apiKeyIdOf(secret)).toBe(key.apiKeyId);
    expect(secret.startsWith(key.secretPrefix)).toBe(true);
    expect(await verify(secret)).toEqual({
      apiKeyId: key.apiKeyId,
      userId,
      roles: ["support_agent"],
      permissions: SCOPES,
      cacheUntil: new Date(clock.now() + 60_000),
    });
    const { rows } = await sql`select t::text from auth.api_keys as t`.execute(database.queries);
    const stored = JSON.stringify(rows);
    expect(stored).toContain(hashApiKeySecret(secret).toString("hex"));
    expect(stored).not.toContain(secret.slice(key.secretPrefix.length));
  });

  test("refuses scopes that the user does not have, users that are not there, and times that are over", async () => {
    const userId = await userWith("support_agent");
    await expect(create(userId, { scopes: ["orders.read", "users.write"] })).rejects.toMatchObject({
      code: Code.FAILED_PRECONDITION,
      reason: "API_KEY_SCOPE_NOT_HELD",
      details: { preconditionFailure: { violations: [{ subject: `users/${userId}` }] } },
    });
    await expect(create(newId(), {}, administrator)).rejects.toMatchObject(notFound);
    const violation = { code: Code.INVALID_ARGUMENT };
    await expect(create(userId, { expireTime: new Date(0) })).rejects.toMatchObject(violation);
    await expect(create(userId, { displayName: "a\0b" })).rejects.toMatchObject(violation);
    await expect(create(userId, { scopes: [] })).rejects.toMatchObject(violation);
  });

  test("gives nobody more than it has: neither by another's key nor by a key of few scopes", async () => {
    const boss = await userWith("administrator");
    const clerk = as(newId(), ["api_keys.write", "orders.read"]);
    const denied = { code: Code.PERMISSION_DENIED, reason: "PERMISSION_MISSING" };
    await expect(create(boss, { scopes: ["users.write"] }, clerk)).rejects.toMatchObject(denied);
    expect((await create(boss, { scopes: ["orders.read"] }, clerk)).key.userId).toBe(boss);
    const bossKey = as(boss, ["api_keys.write"], newId());
    await expect(create(boss, { scopes: ["users.write"] }, bossKey)).rejects.toMatchObject(denied);
    await expect(create(boss, {}, as(boss, ["orders.read"], newId()))).rejects.toMatchObject(denied);
    const { key } = await create(boss, { scopes: ["users.write"] });
    await expect(rotate(key.apiKeyId, 0n, clerk)).rejects.toMatchObject(denied);
    expect(given((await revoke(key.apiKeyId, clerk)).apiKey).state).toBe(ApiKeyState.API_KEY_STATE_REVOKED);
  });
});

describe("VerifyApiKey", () => {
  test("is the same for whatever is wrong with a key", async () => {
    const userId = await userWith("support_agent");
    const { key, secret } = await create(userId);
    const forged = secret.slice(0, 40) + (secret[40] === "A" ? "B" : "A") + secret.slice(41);
    const expired = await create(userId, { expireTime: new Date(clock.now() + 1_000) });
    const revoked = await create(userId);
    await revoke(revoked.key.apiKeyId);
    clock.advance(1_000);
    for (const wrong of ["x", secret.slice(1), `${secret}A`, forged, expired.secret, revoked.secret]) {
      await expect(verify(wrong)).rejects.toMatchObject(invalid);
    }
    expect((await verify(secret)).apiKeyId).toBe(key.apiKeyId);
  });

  test("tells what the user may do now: less with fewer roles, nothing when it may not act", async () => {
    const userId = await userWith("support_agent");
    const { secret } = await create(userId, { scopes: ["orders.read", "users.read"] });
    const update = { user: { userId, roles: ["stock_manager"] }, updateMask: ["roles"] };
    await users.updateUser(UpdateUserRequest.fromPartial(update));
    expect(await verify(secret)).toMatchObject({ roles: ["stock_manager"], permissions: [] });
    await users.suspendUser(SuspendUserRequest.fromPartial({ userId, reason: "a test" }));
    await expect(verify(secret)).rejects.toMatchObject(invalid);
  });

  test("may be kept no longer than the key or the secret lives", async () => {
    const userId = await userWith("support_agent");
    const expireTime = new Date(clock.now() + 10_000);
    const { key, secret } = await create(userId, { expireTime });
    expect((await verify(secret)).cacheUntil).toEqual(expireTime);
    await rotate(key.apiKeyId, 5n);
    expect((await verify(secret)).cacheUntil).toEqual(new Date(clock.now() + 5_000));
  });

  test("notes the last use to the minute, with one write in it", async () => {
    const { key, secret } = await create(await userWith("support_agent"));
    const lastUse = async () => (await list({ userId: key.userId })).apiKeys[0]?.lastUseTime?.getTime();
    const version = async () => {
      const { rows } = await sql<{ x: string }>`select xmin::text as x from auth.api_keys
        where api_key_id = ${key.apiKeyId}`.execute(database.queries);
      return rows[0]?.x;
    };
    clock.advance(60_000 - (clock.now() % 60_000));
    await verify(secret);
    const first = await version();
    expect(await lastUse()).toBe(clock.now());
    clock.advance(59_999);
    await verify(secret);
    expect(await version()).toBe(first);
    clock.advance(1);
    await verify(secret);
    expect(await lastUse()).toBe(clock.now());
  });
});

describe("RotateApiKey", () => {
  test("lets the old secret work for the overlap, and what was kept of it be asked again", async () => {
    const { key, secret: old } = await create(await userWith("support_agent"));
    const { apiKey, secret } = await rotate(key.apiKeyId, 60n, as(key.userId));
    expect(given(apiKey)).toMatchObject({
      secretPrefix: secret.slice(0, 12),
      previousSecretExpireTime: new Date(clock.now() + 60_000),
    });
    expect(await revocationsOf(key.apiKeyId)).toHaveLength(1);
    for (const works of [old, secret]) expect((await verify(works)).apiKeyId).toBe(key.apiKeyId);
    clock.advance(60_000);
    await expect(verify(old)).rejects.toMatchObject(invalid);
    expect((await verify(secret)).apiKeyId).toBe(key.apiKeyId);
    expect((await list({ userId: key.userId })).apiKeys[0]?.previousSecretExpireTime).toBeUndefined();
  });

  test("has an overlap of a day when none is given, and none at all when it is 0", async () => {
    const { key, secret: first } = await create(await userWith("support_agent"));
    const byDefault = await client.rotateApiKey(
      { apiKeyId: key.apiKeyId, overlap: undefined },
      administrator,
    );
    expect(given(byDefault.apiKey).previousSecretExpireTime).toEqual(new Date(clock.now() + DAY_MS));
    const { apiKey, secret } = await rotate(key.apiKeyId, 0n);
    expect(given(apiKey).previousSecretExpireTime).toBeUndefined();
    for (const ended of [first, byDefault.secret]) await expect(verify(ended)).rejects.toMatchObject(invalid);
    expect((await verify(secret)).apiKeyId).toBe(key.apiKeyId);
    await expect(rotate(key.apiKeyId, 7n * 86_400n + 1n)).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
    });
  });

  test("is for keys that work, and only for who may know of them", async () => {
    const { key } = await create(await userWith("support_agent"));
    await expect(rotate(key.apiKeyId, 0n, as(newId()))).rejects.toMatchObject(notFound);
    await expect(rotate(newId(), 0n)).rejects.toMatchObject(notFound);
    await revoke(key.apiKeyId);
    await expect(rotate(key.apiKeyId, 0n)).rejects.toMatchObject({
      code: Code.FAILED_PRECONDITION,
      reason: "API_KEY_NOT_ACTIVE",
    });
  });

  test("of many at once leaves one secret before the newest that works", async () => {
    const { key, secret } = await create(await userWith("support_agent"));
    const rotated = await Promise.all(Array.from({ length: 6 }, () => rotate(key.apiKeyId, 60n)));
    const all = [secret, ...rotated.map((each) => each.secret)];
    const works = await Promise.allSettled(all.map(verify));
    expect(works.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
  });
});

describe("RevokeApiKey", () => {
  test("ends all secrets at once, once, and tells of it and of who uses them still", async () => {
    const { key, secret } = await create(await userWith("support_agent"));
    const next = (await rotate(key.apiKeyId, 60n)).secret;
    await expect(revoke(key.apiKeyId, as(newId()))).rejects.toMatchObject(notFound);
    for (let n = 0; n < 2; n++) {
      expect(given((await revoke(key.apiKeyId, as(key.userId))).apiKey)).toMatchObject({
        state: ApiKeyState.API_KEY_STATE_REVOKED,
        previousSecretExpireTime: undefined,
      });
    }
    expect(await revocationsOf(key.apiKeyId)).toHaveLength(2);
    for (const ended of [secret, next]) await expect(verify(ended)).rejects.toMatchObject(invalid);
    const told = audit.lines().filter(({ apiKeyId }) => apiKeyId === key.apiKeyId);
    expect(told.map(({ event, outcome, caller }) => [event, outcome, caller])).toEqual([
      ["api_key_created", "ok", key.userId],
      ["api_key_rotated", "ok", administrator.metadata["test-user"]],
      ["api_key_revoked", "ok", key.userId],
      ["api_key_used_after_revocation", "denied", "service:test"],
      ["api_key_used_after_revocation", "denied", "service:test"],
    ]);
    for (const each of [secret, next]) expect(audit.text).not.toContain(each.slice(12));
  });
});

describe("ListApiKeys", () => {
  test("gives those that work, the latest first, a page at a time, and the others when asked", async () => {
    const userId = await userWith("support_agent");
    const made: string[] = [];
    for (const lifeMs of [1_000, DAY_MS, DAY_MS, DAY_MS]) {
      made.unshift((await create(userId, { expireTime: new Date(clock.now() + lifeMs) })).key.apiKeyId);
    }
    const [, revoked = ""] = made;
    await revoke(revoked);
    clock.advance(1_000);
    const idsOf = ({ apiKeys }: Awaited<ReturnType<typeof list>>) => apiKeys.map(({ apiKeyId }) => apiKeyId);
    expect(idsOf(await list({ userId }))).toEqual([made[0], made[2]]);
    const first = await list({ userId, includeInactive: true, pageSize: 3 });
    const rest = await list({ userId, includeInactive: true, pageSize: 1, pageToken: first.nextPageToken });
    expect([...idsOf(first), ...idsOf(rest)]).toEqual(made);
    expect(rest.nextPageToken).toBe("");
    const { nextPageToken: pageToken } = first;
    for (const other of [{ userId }, { userId: newId(), includeInactive: true }]) {
      await expect(list({ ...other, pageToken })).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
    }
    await expect(list({ userId, pageSize: -1 })).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
    const { API_KEY_STATE_ACTIVE: active, API_KEY_STATE_REVOKED: ended } = ApiKeyState;
    expect(first.apiKeys.map(({ state }) => state)).toEqual([active, ended, active]);
    expect(rest.apiKeys.map(({ state }) => state)).toEqual([ApiKeyState.API_KEY_STATE_EXPIRED]);
  });
});
