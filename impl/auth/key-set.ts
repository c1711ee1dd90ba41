// The public keys that access tokens are verified with: a JWKS file, or a development key that is made once and kept in the data directory.
import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
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
  await mkdir(dataDir, { recursive: true });
  const file = join(dataDir, FILE_NAME);
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (!exists) {
    const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
    // "wx": of two processes that start at once, the second uses the key of the first.
    await writeFile(file, JSON.stringify(await exportJWK(privateKey)), { mode: 0o600, flag: "wx" }).catch(
      ignoreExisting,
    );
  }
  return toDevelopmentKey(JSON.parse(await readFile(file, "utf8")));
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
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
