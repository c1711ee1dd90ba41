// The secrets of a system: what its tokens are signed and verified with, and what seals its page tokens. Each is taken from
// configuration, else made once and kept in the data directory.
import { hash, randomBytes } from "node:crypto";
import { join } from "node:path";
import type { JSONWebKeySet } from "jose";
import { keptSecret } from "./auth/kept-secret.ts";
import { DEVELOPMENT_KEY_FILE, type KeptKey, keptKey, readKeySet, SERVICE_KEY_FILE } from "./auth/key-set.ts";
import type { SigningKey } from "./auth/sign-token.ts";
import type { Config } from "./config.ts";

export interface SigningKeys {
  /** Public keys whose tokens are believed. */
  readonly trusted: JSONWebKeySet;
  /** Signs the tokens with which services call each other. */
  readonly service: KeptKey;
  /** Only with DEVELOPMENT_TOKEN. */
  readonly development: KeptKey | undefined;
}

export async function openSigningKeys(config: Config): Promise<SigningKeys> {
  const { DATA_DIR, JWKS_FILE, DEVELOPMENT_TOKEN } = config;
  const service = await keptKey(config.SERVICE_KEY_FILE ?? join(DATA_DIR, SERVICE_KEY_FILE));
  const development =
    DEVELOPMENT_TOKEN === "1" ? await keptKey(join(DATA_DIR, DEVELOPMENT_KEY_FILE)) : undefined;
  const others = JWKS_FILE === undefined ? undefined : await readKeySet(JWKS_FILE);
  const sets = [service.keys, development?.keys, others];
  return { trusted: { keys: sets.flatMap((set) => set?.keys ?? []) }, service, development };
}

export async function openPageTokenKey(config: Config): Promise<Uint8Array> {
  if (config.PAGE_TOKEN_SECRET !== undefined) return Buffer.from(config.PAGE_TOKEN_SECRET);
  const make = async (): Promise<string> => randomBytes(32).toString("base64url");
  return Buffer.from(await keptSecret(config.DATA_DIR, "page-token.key", make));
}

/** What signs and verifies access tokens where one secret does both; undefined where key pairs do. Throws when it is missing. */
export function sharedTokenKey({ JWT_ALGORITHM, JWT_SECRET }: Config): SharedTokenKey | undefined {
  if (JWT_ALGORITHM !== "HS256") return undefined;
  if (JWT_SECRET === undefined) throw new Error("JWT_ALGORITHM=HS256 needs JWT_SECRET");
  // Says which secret it is, and nothing about it.
  const keyId = `hs256-${hash("sha256", `key id of ${JWT_SECRET}`, "base64url").slice(0, 16)}`;
  return { keyId, algorithm: "HS256", privateKey: Buffer.from(JWT_SECRET) };
}

export interface SharedTokenKey extends SigningKey {
  readonly privateKey: Uint8Array;
}

/** Encrypts private signing keys at rest: 32 bytes. */
export async function openSigningKeySecret({ DATA_DIR, SIGNING_KEY_SECRET }: Config): Promise<Uint8Array> {
  if (SIGNING_KEY_SECRET !== undefined) return hash("sha256", SIGNING_KEY_SECRET, "buffer");
  const make = async (): Promise<string> => randomBytes(32).toString("base64url");
  return Buffer.from(await keptSecret(DATA_DIR, "signing-keys.key", make), "base64url");
}

/** Encrypts the secrets of webhook endpoints at rest: 32 bytes. */
export async function openWebhookSecretKey({ DATA_DIR }: Config): Promise<Uint8Array> {
  const make = async (): Promise<string> => randomBytes(32).toString("base64url");
  return Buffer.from(await keptSecret(DATA_DIR, "webhook-secrets.key", make), "base64url");
}
