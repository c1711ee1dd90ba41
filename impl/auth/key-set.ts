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

/** Reads a JSON Web Key Set of public keys. Throws with the file's name when it is not one, or could verify nothing. */
export async function readKeySet(file: string): Promise<JSONWebKeySet> {
  const parsed = parseJson(file, await readFile(file, "utf8"));
  if (!isKeySet(parsed))
    throw new Error(`${file} is not a JSON Web Key Set: it has no array "keys" of objects`);
  if (parsed.keys.length === 0) throw new Error(`${file} holds no key: no access token would be accepted`);
  // "d" is the private part of a key pair, "k" a secret that signer and verifier share.
  if (parsed.keys.some((key) => "d" in key || "k" in key))
    throw new Error(`${file} holds a private key; only public keys belong there`);
  return parsed;
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message may quote the file, which may hold a secret.
    throw new Error(`${file} is not JSON`);
  }
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  if (typeof value !== "object" || value === null || !("keys" in value)) return false;
  return Array.isArray(value.keys) && value.keys.every((key) => typeof key === "object" && key !== null);
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
