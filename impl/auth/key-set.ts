// The public keys that access tokens are verified with: a JWKS file, or a development key that is made once and kept in the data directory.
import { readFile } from "node:fs/promises";
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
} from "jose";
import type { SigningKey } from "./access-token.ts";
import { keptSecret } from "./kept-secret.ts";

export interface DevelopmentKey {
  readonly signing: SigningKey;
  readonly keys: JSONWebKeySet;
}

/** Reads a JSON Web Key Set of public keys. Throws with the file's name when it is not one. */
export async function readKeySet(file: string): Promise<JSONWebKeySet> {
  const parsed: unknown = JSON.parse(await readFile(file, "utf8"));
  if (!isKeySet(parsed)) throw new Error(`${file} is not a JSON Web Key Set: it has no array "keys"`);
  if (parsed.keys.some((key) => "d" in key))
    throw new Error(`${file} holds a private key; only public keys belong there`);
  return parsed;
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return typeof value === "object" && value !== null && "keys" in value && Array.isArray(value.keys);
}

const FILE_NAME = "development-signing-key.json";

/** The key pair of a data directory; for development, where nobody else issues tokens. Readable by its owner only. */
export async function developmentKey(dataDir: string): Promise<DevelopmentKey> {
  const kept = await keptSecret(dataDir, FILE_NAME, async () => {
    const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
    return JSON.stringify(await exportJWK(privateKey));
  });
  return toDevelopmentKey(JSON.parse(kept));
}

async function toDevelopmentKey(jwk: JWK): Promise<DevelopmentKey> {
  const { d: _private, ...publicJwk } = jwk;
  const keyId = await calculateJwkThumbprint(publicJwk);
  const privateKey = (await importJWK(jwk, "EdDSA")) as CryptoKey;
  return {
    signing: { keyId, privateKey },
    keys: { keys: [{ ...publicJwk, kid: keyId, alg: "EdDSA", use: "sig" }] },
  };
}
