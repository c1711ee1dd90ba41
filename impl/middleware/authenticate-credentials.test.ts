// API keys and delegations at the door of a server: real keys, real signatures, over the wire.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { exportJWK } from "jose";
import { expect, test } from "vitest";
import { createTokenVerifier } from "#impl/auth/access-token.ts";
import { makeApiKeySecret } from "#impl/auth/api-key-secret.ts";
import { createApiKeyVerifier } from "#impl/auth/api-key-verifier.ts";
import { createDelegate, createDelegationVerifier } from "#impl/auth/delegation.ts";
import { createRevocationSet } from "#impl/auth/revocation-set.ts";
import { serviceIdentity } from "#impl/auth/service-identity.ts";
import { signToken } from "#impl/auth/sign-token.ts";
import { keysOfSet } from "#impl/auth/trusted-keys.ts";
import { createClient } from "#impl/client/client.ts";
import { startEcho } from "#impl/client/testing/echo.ts";
import type { Call } from "#impl/runtime/call.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { unauthenticated } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { echoDefinition } from "#impl/runtime/testing/echo-service.ts";
import { recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { authenticate } from "./authenticate.ts";

const methods = { unary: {}, expand: { responseStream: true }, relay: {} } as const;
const clock = systemClock;
const users = await keyPair("users");
const services = await keyPair("services");
const trusted = keysOfSet({ keys: [users.jwk, services.jwk] });
const apiKeyId = newId();
const secret = makeApiKeySecret(apiKeyId, randomBytes);

async function keyPair(keyId: string) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const jwk = { ...(await exportJWK(publicKey)), kid: keyId, alg: "EdDSA", use: "sig" };
  return { jwk, signing: { keyId, privateKey: privateKey.toCryptoKey({ name: "Ed25519" }, true, ["sign"]) } };
}

const tokenOf = (userId: string, { signing } = users): Promise<string> =>
  signToken(signing, { userId, roles: [], permissions: [], lifetimeSeconds: 60 }, clock);

const said = ({ principal, onBehalfOf }: Call): string =>
  `${principal?.userId} ${principal?.apiKeyId === apiKeyId} ${onBehalfOf?.userId}`;

/** A server that answers with who calls it and for whom; `relay` asks it again, as the service "service:shop". */
async function startAsking() {
  let reached = 0;
  const who = (call: Call): string => {
    reached += 1;
    return said(call);
  };
  const verifiers = {
    token: createTokenVerifier({ keys: trusted, clock }),
    apiKey: createApiKeyVerifier({
      ask: async (given) => {
        if (given !== secret) throw unauthenticated("API_KEY_INVALID", "not valid");
        const principal = { apiKeyId, userId: "ann", roles: [], permissions: new Set<string>() };
        return { principal, keepUntilMs: clock.now() + 1_000 };
      },
      clock,
      revocations: createRevocationSet({ clock }),
    }),
    delegation: createDelegationVerifier({ keys: [services.jwk] }, clock),
  };
  const log = recordingLogger([]);
  const identity = await serviceIdentity({ key: services.signing, name: "service:shop", clock, log });
  const echo = await startEcho(
    methods,
    {
      unary: (_, call) => who(call),
      async *expand(_, call) {
        yield who(call);
      },
      relay: (_, call): Promise<string> => asService.unary("", { parent: call }),
    },
    { links: () => [authenticate(verifiers)] },
  );
  const { channel, schema } = echo;
  const asService = createClient(echoDefinition(methods), {
    channel,
    schema,
    clock,
    metadata: identity.metadata,
  });
  return {
    echo,
    identity,
    asService,
    reached: () => reached,
    ask: async (metadata: Readonly<Record<string, string>>) => [
      await echo.client.unary("", { metadata }),
      ...(await Array.fromAsync(echo.client.expand("", { metadata }))),
    ],
    async [Symbol.asyncDispose]() {
      await identity.stop();
      await echo[Symbol.asyncDispose]();
    },
  };
}

test("an API key names its user, at the first call and at the next", async () => {
  await using server = await startAsking();
  for (let n = 0; n < 2; n++) {
    expect(await server.ask({ "x-api-key": secret })).toEqual(["ann true undefined", "ann true undefined"]);
  }
});

test("a wrong API key and two credentials at once end the call", async () => {
  await using server = await startAsking();
  const other = makeApiKeySecret(apiKeyId, randomBytes);
  const token = `Bearer ${await tokenOf("ann")}`;
  for (const [metadata, reason] of [
    [{ "x-api-key": other }, "API_KEY_INVALID"],
    [{ "x-api-key": "" }, "API_KEY_INVALID"],
    [{ "x-api-key": secret, authorization: token }, "CREDENTIALS_AMBIGUOUS"],
  ] as const) {
    await expect(server.ask(metadata)).rejects.toMatchObject({ code: Code.UNAUTHENTICATED, reason });
  }
  expect(server.reached()).toBe(0);
});

test("a service that is called calls on for who called it, also through another service", async () => {
  await using server = await startAsking();
  const { client } = server.echo;
  const relayed = (metadata: Readonly<Record<string, string>>) => client.relay("", { metadata });
  const forAnn = "service:shop false ann";
  expect(await relayed({ authorization: `Bearer ${await tokenOf("ann")}` })).toBe(forAnn);
  expect(await relayed({ "x-api-key": secret })).toBe(forAnn);
  expect(await server.asService.relay("", { onBehalfOf: { userId: "ann" } })).toBe(forAnn);
  expect(await server.asService.relay("")).toBe("service:shop false undefined");
  expect(await relayed({})).toBe("service:shop false undefined");
});

test("what anybody may write into metadata names nobody", async () => {
  await using server = await startAsking();
  const metadata = {
    ...server.identity.metadata(),
    "x-user-id": "ann",
    "x-forwarded-user": "ann",
    act: "ann",
  };
  expect(await server.echo.client.unary("", { metadata })).toBe("service:shop false undefined");
});

test.each<readonly [string, () => Promise<Readonly<Record<string, string>>>]>([
  ["in plain text", async () => ({ "x-on-behalf-of": "ann" })],
  ["signed with the key of users' tokens", async () => delegation("service:shop", users)],
  ["of another service", async () => delegation("service:other", services)],
  ["that is an access token", async () => ({ "x-on-behalf-of": await tokenOf("ann", services) })],
])("a delegation %s is refused", async (_, make) => {
  await using server = await startAsking();
  const metadata = { ...server.identity.metadata(), ...(await make()) };
  await expect(server.ask(metadata)).rejects.toMatchObject({
    code: Code.UNAUTHENTICATED,
    reason: "DELEGATION_INVALID",
  });
  expect(server.reached()).toBe(0);
});

test("a delegation that was overheard is worth nothing without the token of its service", async () => {
  await using server = await startAsking();
  const overheard = delegation("service:shop", services);
  await server.ask({ ...server.identity.metadata(), ...overheard });
  for (const own of [{}, { "x-api-key": secret }, { authorization: `Bearer ${await tokenOf("eve")}` }]) {
    await expect(server.ask({ ...own, ...overheard })).rejects.toMatchObject({
      reason: "DELEGATION_INVALID",
    });
  }
});

function delegation(service: string, { signing }: typeof services): Readonly<Record<string, string>> {
  return { "x-on-behalf-of": createDelegate({ key: signing, service, clock })({ userId: "ann" }) };
}
