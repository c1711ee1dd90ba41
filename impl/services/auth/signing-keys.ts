// The keys that access tokens are signed with, in the database, so that every process signs with the same one: replaced now and then, the
// next one published before it signs, the one before published as long as a token of it lives. Private halves are sealed under a key that is
// not in the database.
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
} from "jose";
import { sql } from "kysely";
import { MAX_ACCESS_TOKEN_SECONDS } from "#impl/auth/access-token.ts";
import type { SigningKey } from "#impl/auth/sign-token.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import type { SecretBox } from "../shared/secret-box.ts";
import type { AuthTables } from "./auth-tables.ts";

export interface SigningKeys {
  current(signal?: AbortSignal): Promise<SigningKey>;
  /** The public halves: of the current key, of the next one, and of those whose tokens may live. */
  published(signal?: AbortSignal): Promise<JSONWebKeySet>;
  /** Makes the next key when it is time for it, and deletes those that nobody needs. Any number of processes may do it at once. */
  advance(signal?: AbortSignal): Promise<void>;
}

export interface SigningKeysOptions {
  readonly database: Database<unknown>;
  readonly secrets: SecretBox;
  readonly clock: Clock;
  /** How long a key signs. */
  readonly rotationMs: number;
}

/** A key is published for so long before it signs; verifiers read the published ones every minute. */
const ANNOUNCED_MS = 3_600_000;
/** And for so long after the last token that it signed. */
const KEPT_MS = MAX_ACCESS_TOKEN_SECONDS * 1_000 + 600_000;
/** How soon a process hears of keys that another one made; sooner than they sign. */
const READ_EVERY_MS = 30_000;

interface StoredKey {
  readonly kid: string;
  readonly publicJwk: JWK;
  readonly sealedJwk: Buffer;
  readonly signTimeMs: number;
}

export function createSigningKeys({ database, secrets, clock, rotationMs }: SigningKeysOptions): SigningKeys {
  const keys = database.typed<AuthTables>();
  let known: { readonly stored: readonly StoredKey[]; readonly readAt: number } | undefined;
  let signing: SigningKey | undefined;

  const read = async (signal: AbortSignal | undefined): Promise<readonly StoredKey[]> => {
    if (known !== undefined && clock.monotonic() - known.readAt < READ_EVERY_MS) return known.stored;
    const rows = await keys.queries
      .selectFrom("auth.signing_keys")
      .selectAll()
      .orderBy("sign_time")
      .execute(signal === undefined ? {} : { signal });
    const stored = rows.map((row) => ({
      kid: row.kid,
      publicJwk: row.public_jwk,
      sealedJwk: row.sealed_jwk,
      signTimeMs: row.sign_time.getTime(),
    }));
    known = { stored, readAt: clock.monotonic() };
    return stored;
  };

  const advance = async (signal?: AbortSignal): Promise<void> => {
    const options = signal === undefined ? {} : { signal };
    await inTransaction(
      keys,
      async (transaction) => {
        await sql`select pg_advisory_xact_lock(hashtextextended('signing keys', 0))`.execute(transaction);
        const rows = await transaction
          .selectFrom("auth.signing_keys")
          .select(["kid", "sign_time"])
          .orderBy("sign_time")
          .execute();
        const nowMs = clock.now();
        const times = rows.map(({ sign_time }) => sign_time.getTime());
        const signTimeMs = nextSignTime(times.at(-1), nowMs, rotationMs);
        if (signTimeMs !== undefined) {
          const made = await makeKey(secrets, new Date(signTimeMs));
          await transaction.insertInto("auth.signing_keys").values(made).execute();
        }
        const forgotten = rows
          .filter((_, index) => isForgotten(times[index + 1], nowMs))
          .map(({ kid }) => kid);
        if (forgotten.length > 0) {
          await transaction.deleteFrom("auth.signing_keys").where("kid", "in", forgotten).execute();
        }
      },
      options,
    );
    known = undefined;
  };

  const signingNow = async (signal: AbortSignal | undefined): Promise<StoredKey | undefined> =>
    (await read(signal)).findLast(({ signTimeMs }) => signTimeMs <= clock.now());

  return {
    advance,
    async current(signal) {
      let stored = await signingNow(signal);
      if (stored === undefined) {
        await advance(signal);
        stored = await signingNow(signal);
      }
      if (stored === undefined) throw new Error("there is no key to sign access tokens with");
      if (signing?.keyId !== stored.kid) signing = await openKey(secrets, stored);
      return signing;
    },
    async published(signal) {
      const stored = await read(signal);
      const nowMs = clock.now();
      const live = stored.filter((_, index) => !isForgotten(stored[index + 1]?.signTimeMs, nowMs));
      return { keys: live.map(({ publicJwk }) => publicJwk) };
    },
  };
}

/** When the key after the newest one begins to sign; undefined while it is too early to make it. */
function nextSignTime(newestMs: number | undefined, nowMs: number, rotationMs: number): number | undefined {
  if (newestMs === undefined) return nowMs;
  const dueMs = newestMs + rotationMs;
  return dueMs - ANNOUNCED_MS > nowMs ? undefined : Math.max(dueMs, nowMs + ANNOUNCED_MS);
}

/** A key signs its last token when its successor begins. */
function isForgotten(successorMs: number | undefined, nowMs: number): boolean {
  return successorMs !== undefined && successorMs + KEPT_MS <= nowMs;
}

async function makeKey(secrets: SecretBox, signTime: Date) {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { extractable: true });
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return {
    kid,
    public_jwk: JSON.stringify({ ...jwk, kid, alg: "EdDSA", use: "sig" }),
    sealed_jwk: secrets.seal(JSON.stringify(await exportJWK(privateKey)), kid),
    sign_time: signTime,
  };
}

/** Throws SecretUnreadable when it was sealed under another key. */
async function openKey(secrets: SecretBox, { kid, sealedJwk }: StoredKey): Promise<SigningKey> {
  const jwk: JWK = JSON.parse(secrets.open(sealedJwk, kid));
  return { keyId: kid, privateKey: await importJWK(jwk, "EdDSA") };
}
