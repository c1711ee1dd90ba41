// A gateway that verifies who calls, before a backend that knows the keys of services and nothing else.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { exportJWK } from "jose";
import { expect, test } from "vitest";
import { createTokenVerifier } from "#impl/auth/access-token.ts";
import { makeApiKeySecret } from "#impl/auth/api-key-secret.ts";
import { createApiKeyVerifier } from "#impl/auth/api-key-verifier.ts";
import { createDelegate, createDelegationVerifier } from "#impl/auth/delegation.ts";
import { createRevocationSet, type TargetKind } from "#impl/auth/revocation-set.ts";
import { signToken } from "#impl/auth/sign-token.ts";
import { keysOfSet } from "#impl/auth/trusted-keys.ts";
import { createVouch } from "#impl/auth/vouch.ts";
import { authenticate } from "#impl/middleware/authenticate.ts";
import type { Call } from "#impl/runtime/call.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { unauthenticated } from "#impl/runtime/rpc-error.ts";
import { startForwarded } from "./testing/forwarding-fixture.ts";

const clock = systemClock;
const users = await keyPair("users");
const services = await keyPair("services");
const apiKeyId = newId();
const secret = makeApiKeySecret(apiKeyId, randomBytes);
const methods = { unary: {}, expand: { responseStream: true } } as const;

async function keyPair(keyId: string) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const jwk = { ...(await exportJWK(publicKey)), kid: keyId, alg: "EdDSA", use: "sig" };
  return { jwk, signing: { keyId, privateKey: privateKey.toCryptoKey({ name: "Ed25519" }, true, ["sign"]) } };
}

const tokenOf = async (userId: string, permissions: readonly string[] = [], key = users) => {
  const claims = { userId, roles: ["customer"], permissions, lifetimeSeconds: 60, sessionId: `of-${userId}` };
  return `Bearer ${await signToken(key.signing, claims, clock)}`;
};

/** What a backend knows of its caller. */
function seen({ principal, onBehalfOf, metadata }: Call): string {
  const { userId, roles, permissions, apiKeyId: key } = principal ?? {};
  return JSON.stringify([
    ...[userId ?? null, roles ?? [], [...(permissions ?? [])], key ?? null, onBehalfOf?.userId ?? null],
    ...[metadata.get("authorization") ?? null, metadata.get("x-api-key") ?? null],
  ]);
}

async function startVouching() {
  const noDelegations = createDelegationVerifier({ keys: [services.jwk] }, clock);
  const refuse = (): never => {
    throw unauthenticated("API_KEY_INVALID", "a backend is shown no API key");
  };
  const atGateway = createRevocationSet({ clock });
  const atBackend = createRevocationSet({ clock });
  const front = authenticate({
    token: createTokenVerifier({ keys: keysOfSet({ keys: [users.jwk, services.jwk] }), clock }),
    apiKey: createApiKeyVerifier({
      ask: async () => ({
        principal: { apiKeyId, userId: "ann", roles: [], permissions: new Set(["orders.read"]) },
        keepUntilMs: clock.now() + 30_000,
      }),
      clock,
      revocations: atGateway,
    }),
    delegation: noDelegations,
  });
  const behind = authenticate({
    token: createTokenVerifier({
      keys: keysOfSet({ keys: [services.jwk] }),
      clock,
      revocations: atBackend,
    }),
    apiKey: refuse,
    delegation: noDelegations,
  });
  const handlers = {
    unary: (_: string, call: Call) => seen(call),
    async *expand(_: string, call: Call) {
      yield seen(call);
    },
  };
  const forwarded = await startForwarded(
    methods,
    handlers,
    { links: () => [behind] },
    {
      links: () => [front],
      vouch: createVouch({ key: services.signing, service: "service:gateway", clock }),
    },
  );
  const ask = async (metadata: Readonly<Record<string, string>>): Promise<unknown[]> => {
    const [one] = await Array.fromAsync(forwarded.client.expand("", { metadata }));
    const other = await forwarded.client.unary("", { metadata });
    expect(other).toBe(one);
    return JSON.parse(other);
  };
  const revoke = ($case: TargetKind, value: string, afterMs = 60_000) =>
    atBackend.add({ target: { $case, value }, revokeTime: new Date(clock.now() + afterMs) });
  return { ask, revoke, [Symbol.asyncDispose]: () => forwarded[Symbol.asyncDispose]() };
}

test("a backend knows who calls and what he may do, and never sees his credentials", async () => {
  await using system = await startVouching();
  const authorization = await tokenOf("ann", ["orders.read", "orders.write"]);
  const [userId, roles, permissions, key, onBehalfOf, shown, shownKey] = await system.ask({ authorization });
  expect({ userId, roles, permissions }).toEqual({
    userId: "ann",
    roles: ["customer"],
    permissions: ["orders.read", "orders.write"],
  });
  expect([key, onBehalfOf, shownKey]).toEqual([null, null, null]);
  expect(shown).not.toBe(authorization);
});

test("of an API key a backend is told which it is, and not its secret", async () => {
  await using system = await startVouching();
  const answer = await system.ask({ "x-api-key": secret });
  expect(answer.slice(0, 4)).toEqual(["ann", [], ["orders.read"], apiKeyId]);
  expect(answer.at(-1)).toBeNull();
});

test("an anonymous caller stays one, and one that the gateway refuses reaches no backend", async () => {
  await using system = await startVouching();
  expect(await system.ask({})).toEqual([null, [], [], null, null, null, null]);
  const forged = await tokenOf("ann", [], await keyPair("users"));
  await expect(system.ask({ authorization: forged })).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
});

test("for whom a service calls passes with it", async () => {
  await using system = await startVouching();
  const service = "service:order";
  const delegation = createDelegate({ key: services.signing, service, clock })({ userId: "ann" });
  const authorization = await tokenOf(service, [], services);
  const answer = await system.ask({ authorization, "x-on-behalf-of": delegation });
  expect([answer[0], answer[4]]).toEqual([service, "ann"]);
});

test.each<readonly [TargetKind, string, "token" | "key"]>([
  ["sessionId", "of-ann", "token"],
  ["userId", "ann", "token"],
  ["userId", "ann", "key"],
  ["apiKeyId", apiKeyId, "key"],
])("a revocation of the %s %s ends what a gateway vouches for by a %s", async (kind, id, by) => {
  await using system = await startVouching();
  const metadata: Readonly<Record<string, string>> =
    by === "key" ? { "x-api-key": secret } : { authorization: await tokenOf("ann") };
  system.revoke(kind, id, -60_000);
  if (kind !== "sessionId") expect((await system.ask(metadata))[0]).toBe("ann");
  system.revoke(kind, id);
  await expect(system.ask(metadata)).rejects.toMatchObject({ reason: "TOKEN_REVOKED" });
});
