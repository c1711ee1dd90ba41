import { generateKeyPairSync } from "node:crypto";
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  SignJWT,
  UnsecuredJWT,
} from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { createTokenVerifier, TOKEN_AUDIENCE, TOKEN_ISSUER, type VerifyToken } from "./access-token.ts";
import { signToken, type TokenClaims } from "./sign-token.ts";
import { keysOfSet } from "./trusted-keys.ts";

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
let verify: VerifyToken;
beforeAll(async () => {
  const pair = await generateKeyPair("EdDSA", { extractable: true });
  privateKey = pair.privateKey;
  otherKey = (await generateKeyPair("EdDSA")).privateKey;
  publicPem = await exportSPKI(pair.publicKey);
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: "k1", alg: "EdDSA", use: "sig" };
  verify = createTokenVerifier({ keys: keysOfSet({ keys: [jwk] }), clock });
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
