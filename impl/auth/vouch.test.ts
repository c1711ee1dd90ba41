import { generateKeyPairSync } from "node:crypto";
import { decodeJwt, exportJWK } from "jose";
import { expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import type { Principal } from "#impl/runtime/principal.ts";
import { createTokenVerifier } from "./access-token.ts";
import { keysOfSet } from "./trusted-keys.ts";
import { createVouch } from "./vouch.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const key = { keyId: "services", privateKey: privateKey.toCryptoKey({ name: "Ed25519" }, true, ["sign"]) };
const keys = keysOfSet({ keys: [{ ...(await exportJWK(publicKey)), kid: "services", alg: "EdDSA" }] });

function vouching() {
  const clock = manualClock();
  return { clock, vouch: createVouch({ key, service: "service:gateway", clock }) };
}

const ann = (proof?: Principal["proof"]): Principal => ({
  userId: "ann",
  roles: ["customer"],
  permissions: new Set(["orders.read"]),
  ...(proof === undefined ? {} : { proof }),
});

test("the token is an access token of the same principal, and says who vouches", async () => {
  const { clock, vouch } = vouching();
  const now = clock.now();
  const proof = { sessionId: "s", issuedAtMs: now - 5_000, expiresAtMs: now + 30_000 };
  const principal = { ...ann(proof), apiKeyId: "k" };
  const token = vouch(principal);
  expect(decodeJwt(token)).toMatchObject({ act: { sub: "service:gateway" }, sid: "s" });
  expect(await createTokenVerifier({ keys, clock })(token)).toEqual(principal);
});

test("it is signed once for the same credentials, and anew before it ends", () => {
  const { clock, vouch } = vouching();
  const principal = ann();
  const first = vouch(principal);
  expect(vouch(principal)).toBe(first);
  clock.advance(239_000);
  expect(vouch(principal)).toBe(first);
  clock.advance(2_000);
  expect(vouch(principal)).not.toBe(first);
});

test("it never outlives the credentials", () => {
  const { clock, vouch } = vouching();
  const now = clock.now();
  const lifeOf = (expiresAtMs: number): number =>
    (decodeJwt(vouch(ann({ issuedAtMs: now, expiresAtMs }))).exp ?? 0) - now / 1_000;
  expect(lifeOf(now + 1_000)).toBeLessThanOrEqual(2);
  expect(lifeOf(now + 900_000)).toBeLessThanOrEqual(301);
});

test("a key that is not of services signs for none, and for no API key", async () => {
  const { clock, vouch } = vouching();
  const verify = createTokenVerifier({ keys, clock, serviceKeyIds: new Set(["another"]) });
  for (const principal of [
    { ...ann(), userId: "service:order" },
    { ...ann(), apiKeyId: "k" },
  ]) {
    await expect(verify(vouch(principal))).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  }
  expect(await verify(vouch(ann()))).toMatchObject({ userId: "ann" });
});
