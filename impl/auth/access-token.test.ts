import { generateKeyPairSync } from "node:crypto";
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWK,
  SignJWT,
  UnsecuredJWT,
} from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { createTokenVerifier, TOKEN_AUDIENCE, TOKEN_ISSUER, type VerifyToken } from "./access-token.ts";
import { createRevocationSet } from "./revocation-set.ts";
import { signToken, type TokenClaims } from "./sign-token.ts";
import { anyOf, keysOfSet, sharedSecret } from "./trusted-keys.ts";

const clock = manualClock();
const nowSeconds = (): number => Math.floor(clock.now() / 1_000);
const claims: TokenClaims = {
  userId: "019abcde-0000-7000-8000-000000000001",
  roles: ["customer"],
  permissions: ["users.read"],
  lifetimeSeconds: 600,
};

let privateKey: CryptoKey;
let otherKey: CryptoKey;
let publicPem: string;
let publicJwk: JWK;
let verify: VerifyToken;
beforeAll(async () => {
  const pair = await generateKeyPair("EdDSA", { extractable: true });
  privateKey = pair.privateKey;
  otherKey = (await generateKeyPair("EdDSA")).privateKey;
  publicPem = await exportSPKI(pair.publicKey);
  publicJwk = { ...(await exportJWK(pair.publicKey)), kid: "k1", alg: "EdDSA", use: "sig" };
  verify = createTokenVerifier({ keys: keysOfSet({ keys: [publicJwk] }), clock });
});

const token = (overrides: Partial<TokenClaims> = {}): Promise<string> =>
  signToken({ keyId: "k1", privateKey }, { ...claims, ...overrides }, clock);

/** A token like ours but for what `change` does to it. */
function forged(
  change: (jwt: SignJWT) => SignJWT,
  key: CryptoKey | Uint8Array = privateKey,
  header = { alg: "EdDSA", kid: "k1" },
) {
  const jwt = new SignJWT({ roles: [], permissions: [] })
    .setProtectedHeader(header)
    .setIssuer(TOKEN_ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setSubject(claims.userId)
    .setExpirationTime(nowSeconds() + 600);
  return change(jwt).sign(key);
}

/** `kid` is whatever a forger writes there. */
function header(kid: unknown): { alg: string; kid: string } {
  return { alg: "EdDSA", kid: kid as string };
}

const same = (jwt: SignJWT): SignJWT => jwt;
const refused = async (candidate: string): Promise<unknown> =>
  Promise.resolve()
    .then(() => verify(candidate))
    .then(
      () => "accepted",
      (error: { code: Code; reason: string }) => (error.code === Code.UNAUTHENTICATED ? error.reason : error),
    );

test("a token of ours names its user, roles and permissions", async () => {
  expect(await verify(await token())).toEqual({
    userId: claims.userId,
    roles: ["customer"],
    permissions: new Set(["users.read"]),
    proof: { issuedAtMs: clock.now(), expiresAtMs: clock.now() + claims.lifetimeSeconds * 1_000 },
  });
});

describe("a token is refused", () => {
  test.each<readonly [string, () => Promise<string> | string]>([
    ["that is empty", () => ""],
    ["that is no JWT", () => "abc.def.ghi"],
    ["of two parts", () => "abc.def"],
    ["with odd bytes", () => "\u00ff\u0000.\u00ff."],
    ["whose signature was changed", async () => `${(await token()).slice(0, -6)}AAAAAA`],
    [
      "whose claims were changed",
      async () => {
        const [header, , signature] = (await token()).split(".");
        return `${header}.${Buffer.from(JSON.stringify({ sub: "root", iss: TOKEN_ISSUER, aud: TOKEN_AUDIENCE, exp: nowSeconds() + 9 })).toString("base64url")}.${signature}`;
      },
    ],
    ["of another issuer", () => forged((jwt) => jwt.setIssuer("someone-else"))],
    ["for another audience", () => forged((jwt) => jwt.setAudience("someone-else"))],
    [
      "without expiry",
      () =>
        new SignJWT({})
          .setProtectedHeader({ alg: "EdDSA", kid: "k1" })
          .setIssuer(TOKEN_ISSUER)
          .setAudience(TOKEN_AUDIENCE)
          .setSubject("a")
          .sign(privateKey),
    ],
    [
      "without subject",
      () =>
        new SignJWT({})
          .setProtectedHeader({ alg: "EdDSA", kid: "k1" })
          .setIssuer(TOKEN_ISSUER)
          .setAudience(TOKEN_AUDIENCE)
          .setExpirationTime(nowSeconds() + 9)
          .sign(privateKey),
    ],
    ["with an empty subject", () => forged((jwt) => jwt.setSubject(""))],
    ["not valid yet", () => forged((jwt) => jwt.setNotBefore(nowSeconds() + 60))],
    ["that was issued for a time to come", () => forged((jwt) => jwt.setNotBefore(nowSeconds() + 6))],
    ["without a key id", () => forged(same, privateKey, { alg: "EdDSA" } as never)],
    ["with a path as key id", () => forged(same, privateKey, header("../../../dev/null"))],
    ["with a long key id", () => forged(same, privateKey, header("k1".repeat(200)))],
    ["with an inherited name as key id", () => forged(same, privateKey, header("__proto__"))],
    ["with a list as key id", () => forged(same, privateKey, header(["k1"]))],
    ["with an object as key id", () => forged(same, privateKey, header({ toString: "k1" }))],
    ["with null as key id", () => forged(same, privateKey, header(null))],
    [
      "that brings its own key",
      async () => {
        const own = await generateKeyPair("EdDSA", { extractable: true });
        const jwk = await exportJWK(own.publicKey);
        return forged(same, own.privateKey, { ...header("k1"), jwk, jku: "http://127.0.0.1/jwks" } as never);
      },
    ],
    [
      "without signature under our key id",
      async () => {
        const [, claims] = (await token()).split(".");
        const none = Buffer.from(JSON.stringify({ alg: "none", kid: "k1" })).toString("base64url");
        return `${none}.${claims}.`;
      },
    ],
    ["of an unknown key id", () => forged(same, privateKey, { alg: "EdDSA", kid: "k2" })],
    ["signed by another key under our key id", () => forged(same, otherKey)],
    [
      "without signature (alg none)",
      () =>
        new UnsecuredJWT({})
          .setIssuer(TOKEN_ISSUER)
          .setAudience(TOKEN_AUDIENCE)
          .setSubject("a")
          .setExpirationTime(nowSeconds() + 9)
          .encode(),
    ],
    [
      "signed with HS256 and our public key as the secret",
      () => forged(same, new TextEncoder().encode(publicPem), { alg: "HS256", kid: "k1" }),
    ],
  ])("%s", async (_, make) => {
    expect(await refused(await make())).toBe("TOKEN_INVALID");
  });

  test("that has expired, also when it was verified and remembered before", async () => {
    const short = await token({ lifetimeSeconds: 10 });
    const first = verify(short);
    expect(first).toBeInstanceOf(Promise);
    const principal = await first;
    expect(verify(short)).toBe(principal);
    clock.advance(14_000);
    // Within the skew that is allowed between clocks.
    expect(verify(short)).toBe(principal);
    clock.advance(2_000);
    expect(await refused(short)).toBe("TOKEN_EXPIRED");
  });
});

test("a refused token is not remembered as good, and a good one is not forgotten for it", async () => {
  const good = await token();
  const principal = await verify(good);
  for (let n = 0; n < 3; n++) expect(await refused(`${good}x`)).toBe("TOKEN_INVALID");
  expect(verify(good)).toBe(principal);
});

test("claims that are no lists of texts grant nothing", async () => {
  const odd = await forged((jwt) => jwt, privateKey);
  expect(await verify(odd)).toMatchObject({ roles: [], permissions: new Set() });
  const jwt = new SignJWT({ roles: "admin", permissions: { 0: "users.write" } })
    .setProtectedHeader({ alg: "EdDSA", kid: "k1" })
    .setIssuer(TOKEN_ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setSubject("a")
    .setExpirationTime(nowSeconds() + 9);
  expect(await verify(await jwt.sign(privateKey))).toMatchObject({ roles: [], permissions: new Set() });
});

test("an RSA key in the set does not widen the algorithms", async () => {
  const { publicKey, privateKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "rsa", alg: "RS256", use: "sig" };
  const both = createTokenVerifier({ keys: keysOfSet({ keys: [jwk] }), clock });
  const key = (await importJWK({ ...rsa.export({ format: "jwk" }), alg: "RS256" })) as CryptoKey;
  await expect(
    Promise.resolve(both(await forged(same, key, { alg: "RS256", kid: "rsa" }))),
  ).rejects.toMatchObject({
    reason: "TOKEN_INVALID",
  });
});

describe("a verifier of tokens that a shared secret signs", () => {
  const secret = Buffer.alloc(32, 7);
  const shared = { keyId: "s1", algorithm: "HS256", privateKey: secret } as const;
  const both = (): VerifyToken =>
    createTokenVerifier({
      keys: anyOf([keysOfSet({ keys: [publicJwk] }), sharedSecret("s1", secret)]),
      algorithms: ["EdDSA", "HS256"],
      clock,
    });

  test("accepts them, and those of key pairs", async () => {
    expect(await both()(await signToken(shared, claims, clock))).toMatchObject({ userId: claims.userId });
    expect(await both()(await token())).toMatchObject({ userId: claims.userId });
  });

  test.each<readonly [string, () => Promise<string>]>([
    ["the public key as secret, under its id", () => hs256("k1", Buffer.from(publicPem))],
    ["the bytes of the public key as secret", () => hs256("k1", Buffer.from(publicJwk.x ?? "", "base64url"))],
    ["another secret", () => hs256("s1", Buffer.alloc(32, 8))],
    ["no secret", () => hs256("s1", Buffer.alloc(32))],
  ])("refuses one that is signed with %s", async (_, make) => {
    const verifier = both();
    await expect(verifier(await make())).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  });

  test("where key pairs sign, no secret is accepted", async () => {
    expect(await refused(await signToken(shared, claims, clock))).toBe("TOKEN_INVALID");
  });

  const hs256 = (kid: string, key: Uint8Array) => forged(same, key, { alg: "HS256", kid });
});

test("clocks may differ by as much as is configured", async () => {
  const tolerant = createTokenVerifier({
    keys: keysOfSet({ keys: [publicJwk] }),
    clock,
    clockSkewSeconds: 60,
  });
  const early = await forged((jwt) => jwt.setNotBefore(nowSeconds() + 59));
  expect(await tolerant(early)).toMatchObject({ userId: claims.userId });
  expect(await refused(early)).toBe("TOKEN_INVALID");
});

describe("a revoked token", () => {
  test("is refused though it was verified and remembered, and one that was issued after is not", async () => {
    const revocations = createRevocationSet({ clock });
    const asking = createTokenVerifier({ keys: keysOfSet({ keys: [publicJwk] }), clock, revocations });
    const old = await token({ sessionId: "s1" });
    await asking(old);
    const revokeTime = new Date(clock.now() + 1);
    revocations.add({ target: { $case: "userId", value: claims.userId }, revokeTime });
    expect(() => asking(old)).toThrow("was revoked");
    // It is not remembered any more either.
    await expect(asking(old)).rejects.toMatchObject({ reason: "TOKEN_REVOKED" });
    // In the same second.
    clock.advance(1);
    const fresh = await token({ sessionId: "s1" });
    expect(await asking(fresh)).toMatchObject({ userId: claims.userId });
    revocations.add({ target: { $case: "sessionId", value: "s1" }, revokeTime });
    expect(() => asking(fresh)).toThrow("was revoked");
  });
});
