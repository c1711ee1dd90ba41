// The public keys that tokens are verified with: a JWKS file, and key pairs of the system itself that are made once and kept in a file.
import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
} from "jose";
import { keptSecret } from "./kept-secret.ts";
import type { SigningKey } from "./sign-token.ts";

export interface KeptKey {
  readonly signing: SigningKey;
  /** Its public half. */
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
  if (parsed.keys.some(({ kid }) => typeof kid !== "string" || kid === ""))
    throw new Error(`${file} holds a key without "kid": tokens name the key that signed them by it`);
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

/** For development, where nobody else issues tokens. */
export const DEVELOPMENT_KEY_FILE = "development-signing-key.json";

/** Signs the tokens with which services call each other. */
export const SERVICE_KEY_FILE = "service-signing-key.json";

/** The key pair that a file keeps, made with the first use. Readable by its owner only. */
export async function keptKey(file: string): Promise<KeptKey> {
  const kept = await keptSecret(dirname(file), basename(file), async () => {
    const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
    return JSON.stringify(await exportJWK(privateKey));
  });
  return toKeptKey(file, kept);
}

async function toKeptKey(file: string, text: string): Promise<KeptKey> {
  const jwk = parseJson(file, text);
  if (!isPrivateKey(jwk)) throw new Error(`${file} is not a private Ed25519 key as a JSON Web Key`);
  const { d: _private, ...publicJwk } = jwk;
  const keyId = await calculateJwkThumbprint(publicJwk);
  // Extractable, so that delegations can be signed with it by node:crypto, which does not make a call wait.
  const privateKey = (await importJWK(jwk, "EdDSA", { extractable: true })) as CryptoKey;
  return {
    signing: { keyId, privateKey },
    keys: { keys: [{ ...publicJwk, kid: keyId, alg: "EdDSA", use: "sig" }] },
  };
}

function isPrivateKey(value: unknown): value is JWK {
  return (
    typeof value === "object" && value !== null && "d" in value && "crv" in value && value.crv === "Ed25519"
  );
}
