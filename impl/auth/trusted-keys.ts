// The keys whose tokens are believed, by the key id in a token's header. Some are known from the start; others are asked for when a token
// names them, and again now and then, so that a new one is known before it is used and an old one is forgotten.
import { type CryptoKey, importJWK, type JSONWebKeySet, type JWK } from "jose";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { unavailable } from "#impl/runtime/rpc-error.ts";

export type TokenAlgorithm = "EdDSA" | "HS256";

export interface TrustedKey {
  /** The only algorithm that it verifies. */
  readonly algorithm: TokenAlgorithm;
  readonly key: CryptoKey | Uint8Array;
}

export interface TrustedKeys {
  find(keyId: string): Promise<TrustedKey | undefined>;
}

/** Ed25519 keys of a JSON Web Key Set; others verify nothing. */
export function keysOfSet({ keys }: JSONWebKeySet): TrustedKeys {
  const byId = new Map(keys.flatMap((jwk) => (isUsable(jwk) ? [[jwk.kid, jwk] as const] : [])));
  const imported = new Map<string, Promise<TrustedKey>>();
  return {
    async find(keyId) {
      const jwk = byId.get(keyId);
      if (jwk === undefined) return undefined;
      const known = imported.get(keyId) ?? importKey(jwk);
      imported.set(keyId, known);
      return known;
    },
  };
}

/** A secret that issuer and verifiers share. */
export function sharedSecret(keyId: string, secret: Uint8Array): TrustedKeys {
  const key: TrustedKey = { algorithm: "HS256", key: secret };
  return { find: async (candidate) => (candidate === keyId ? key : undefined) };
}

/** The first that knows the key. */
export function anyOf(sources: readonly TrustedKeys[]): TrustedKeys {
  return {
    async find(keyId) {
      for (const source of sources) {
        const key = await source.find(keyId);
        if (key !== undefined) return key;
      }
      return undefined;
    },
  };
}

export interface FetchedKeysOptions {
  readonly fetch: () => Promise<JSONWebKeySet>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A key that was withdrawn verifies for so long at most. */
const FRESH_MS = 60_000;
/** Unknown key ids make nobody ask more often. */
const ASKED_AT_MOST_EVERY_MS = 2_000;

/** UNAVAILABLE while no keys could be had; after that the last ones serve for as long as no others can be. */
export function fetchedKeys({ fetch, clock, log }: FetchedKeysOptions): TrustedKeys {
  let known: TrustedKeys | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;
  const ask = async (): Promise<void> => {
    askedAt = clock.monotonic();
    try {
      known = keysOfSet(await fetch());
    } catch (error) {
      log.warn({ err: error }, "the keys of access tokens could not be read");
    } finally {
      asking = undefined;
    }
  };
  const askUnlessWithin = (ms: number): Promise<void> | undefined => {
    if (asking === undefined && clock.monotonic() - askedAt >= ms) asking = ask();
    return asking;
  };
  return {
    async find(keyId) {
      const stale = askUnlessWithin(FRESH_MS);
      if (known === undefined) await stale;
      const key = await known?.find(keyId);
      if (key !== undefined) return key;
      await askUnlessWithin(ASKED_AT_MOST_EVERY_MS);
      if (known === undefined) {
        throw unavailable("KEYS_UNKNOWN", "access tokens cannot be verified now", ASKED_AT_MOST_EVERY_MS);
      }
      return known.find(keyId);
    },
  };
}

function isUsable(jwk: JWK): jwk is JWK & { kid: string } {
  return typeof jwk.kid === "string" && jwk.kid !== "" && jwk.kty === "OKP" && jwk.crv === "Ed25519";
}

async function importKey({ kty = "", crv = "", x = "" }: JWK): Promise<TrustedKey> {
  const key = await importJWK({ kty, crv, x }, "EdDSA");
  return { algorithm: "EdDSA", key };
}
