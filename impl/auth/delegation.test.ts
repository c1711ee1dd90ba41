import { generateKeyPairSync } from "node:crypto";
import { exportJWK, type JSONWebKeySet, SignJWT } from "jose";
import { expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import type { Principal } from "#impl/runtime/principal.ts";
import { createTokenVerifier } from "./access-token.ts";
import { createDelegate, createDelegationVerifier, DELEGATION_AUDIENCE } from "./delegation.ts";
import { type SigningKey, signToken } from "./sign-token.ts";
import { keysOfSet } from "./trusted-keys.ts";

const clock = manualClock();
const services = await keyPair("services");
const users = await keyPair("users");
const service: Principal = { userId: "service:order", roles: ["service"], permissions: new Set() };
const delegate = createDelegate({ key: services.signing, service: service.userId, clock });
const verify = createDelegationVerifier(services.keys, clock);

async function keyPair(kid: string): Promise<{ signing: SigningKey; keys: JSONWebKeySet }> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const signing = privateKey.toCryptoKey({ name: "Ed25519" }, true, ["sign"]);
  return {
    signing: { keyId: kid, privateKey: signing },
    keys: { keys: [{ ...(await exportJWK(publicKey)), kid, alg: "EdDSA", use: "sig" }] },
  };
}

const refusal = async (delegation: string, principal: Principal = service): Promise<unknown> =>
  Promise.resolve()
    .then(() => verify(delegation, principal))
    .then(
      () => "accepted",
      ({ reason }: { reason: string }) => reason,
    );

/** A delegation like ours but for what `change` does to it. */
function forged(
  change: (jwt: SignJWT) => SignJWT,
  { keyId, privateKey }: SigningKey = services.signing,
  typ = "on-behalf-of+jwt",
) {
  const now = Math.floor(clock.now() / 1_000);
  const jwt = new SignJWT({ act: { sub: service.userId } })
    .setProtectedHeader({ alg: "EdDSA", kid: keyId, typ })
    .setIssuer("grpc-ecommerce")
    .setAudience(DELEGATION_AUDIENCE)
    .setSubject("ann")
    .setIssuedAt(now)
    .setExpirationTime(now + 60);
  return change(jwt).sign(privateKey);
}

test("a service tells for whom it calls; the second time nothing is waited for", async () => {
  const delegation = delegate({ userId: "ann" });
  expect(delegate({ userId: "ann" })).toBe(delegation);
  expect(delegate({ userId: "bob" })).not.toBe(delegation);
  const first = verify(delegation, service);
  expect(first).toBeInstanceOf(Promise);
  expect(await first).toEqual({ userId: "ann" });
  expect(verify(delegation, service)).toEqual({ userId: "ann" });
});

test("a delegation lives for minutes, and is renewed while the one before still works", async () => {
  const first = delegate({ userId: "eve" });
  expect(await verify(first, service)).toEqual({ userId: "eve" });
  clock.advance(61_000);
  const second = delegate({ userId: "eve" });
  expect(second).not.toBe(first);
  expect(await refusal(first)).toBe("accepted");
  clock.advance(65_000);
  expect(await refusal(first)).toBe("DELEGATION_EXPIRED");
  expect(await refusal(second)).toBe("accepted");
});

test("the forgery that the others change is believed when it is not changed", async () => {
  expect(await refusal(await forged((jwt) => jwt))).toBe("accepted");
});

test.each<readonly [string, () => Promise<string> | string]>([
  ["that is no token", () => "ann"],
  ["that is empty", () => ""],
  ["signed with the key of users' tokens", () => forged((jwt) => jwt, users.signing)],
  [
    "signed with another key under the services' key id",
    () => forged((jwt) => jwt, { ...users.signing, keyId: "services" }),
  ],
  ["for the audience of access tokens", () => forged((jwt) => jwt.setAudience("grpc-ecommerce"))],
  ["of another type", () => forged((jwt) => jwt, services.signing, "JWT")],
  ["of another issuer", () => forged((jwt) => jwt.setIssuer("someone-else"))],
  ["that names nobody", () => forged((jwt) => jwt.setSubject(""))],
  [
    "that is an access token of the service",
    () =>
      signToken(services.signing, { userId: "ann", roles: [], permissions: [], lifetimeSeconds: 60 }, clock),
  ],
])("a delegation is refused %s", async (_, make) => {
  expect(await refusal(await make())).toBe("DELEGATION_INVALID");
});

test("a delegation is worth nothing to anyone but the service that signed it, also when it is known", async () => {
  const delegation = delegate({ userId: "ann" });
  await verify(delegation, service);
  for (const userId of ["service:product", "ann"]) {
    expect(await refusal(delegation, { ...service, userId })).toBe("DELEGATION_INVALID");
  }
  expect(() => verify(delegation, undefined)).toThrow("needs the token of the service");
});

test("a delegation is no access token", async () => {
  const asToken = createTokenVerifier({ keys: keysOfSet(services.keys), clock });
  await expect(Promise.resolve().then(() => asToken(delegate({ userId: "ann" })))).rejects.toMatchObject({
    reason: "TOKEN_INVALID",
  });
});
