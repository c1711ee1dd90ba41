// Who calls with an API key, as the authority says that knows the keys. Its answers are kept until the time that it names or a revocation of
// the key or its user, so that a call with a known key waits for nothing. What it refuses is remembered for a moment: a client that goes on
// with a wrong key does not make it ask each time.
import { LRUCache } from "lru-cache";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Principal } from "#impl/runtime/principal.ts";
import { RpcError, unauthenticated } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { DEFAULT_CLOCK_SKEW_SECONDS } from "./access-token.ts";
import { apiKeyIdOf } from "./api-key-secret.ts";
import type { RevocationSet } from "./revocation-set.ts";

/** Synchronous for a key that was verified before. Throws or rejects UNAUTHENTICATED; UNAVAILABLE when the authority cannot be asked. */
export interface VerifyApiKey {
  (secret: string): Principal | Promise<Principal>;
  /** Whether the key was verified before, so that verifying it may well cost nothing. */
  remembers?(secret: string): boolean;
}

export interface VerifiedKey {
  readonly principal: Principal & { readonly apiKeyId: string };
  /** Until when it may be kept; milliseconds since the epoch. */
  readonly keepUntilMs: number;
}

export interface ApiKeyVerifierOptions {
  /** Asks the authority. Rejects with an RpcError of UNAUTHENTICATED when the key does not work. */
  readonly ask: (secret: string) => Promise<VerifiedKey>;
  readonly clock: Clock;
  readonly revocations: Pick<RevocationSet, "revokedAt" | "version">;
  /** Keys that are remembered, those that work and those that do not each; the least recently used goes first. Default 10,000. */
  readonly remembered?: number;
  /** How long a refusal is remembered, in milliseconds. Default 5,000. */
  readonly refusedForMs?: number;
}

/** No answer is kept longer, whatever the clock of the authority says. */
const KEPT_AT_MOST_MS = 60_000;

interface Kept extends VerifiedKey {
  /** The version of the revocations that were asked last. */
  asked: number;
  /** What was revoked when the authority was asked: anything else since then means to ask again. */
  readonly revokedBefore: string;
}

export function createApiKeyVerifier(options: ApiKeyVerifierOptions): VerifyApiKey {
  const { ask, clock, revocations, remembered = 10_000, refusedForMs = 5_000 } = options;
  const kept = new LRUCache<string, Kept>({ max: remembered });
  const refusedUntil = new LRUCache<string, number>({ max: remembered });
  const asking = new Map<string, { readonly version: number; readonly answer: Promise<Principal> }>();

  const stillHolds = (known: Kept): boolean => {
    if (clock.now() >= known.keepUntilMs) return false;
    if (known.asked === revocations.version) return true;
    if (revokedSoFar(revocations, known.principal) !== known.revokedBefore) return false;
    known.asked = revocations.version;
    return true;
  };

  const verify = async (secret: string): Promise<Principal> => {
    const { version } = revocations;
    try {
      const answer = await ask(secret);
      const keepUntilMs = Math.min(answer.keepUntilMs, clock.now() + KEPT_AT_MOST_MS);
      // Later than any revocation that the authority had made, should its clock be ahead of this one.
      const proof = {
        issuedAtMs: clock.now() + DEFAULT_CLOCK_SKEW_SECONDS * 1_000,
        expiresAtMs: keepUntilMs,
      };
      const principal = { ...answer.principal, proof };
      // Of its user nothing is known before the answer; so what is revoked meanwhile, of anybody, makes the answer good for this call only.
      if (revocations.version === version) {
        kept.set(secret, {
          principal,
          keepUntilMs,
          asked: version,
          revokedBefore: revokedSoFar(revocations, principal),
        });
      }
      return principal;
    } catch (error) {
      if (error instanceof RpcError && error.code === Code.UNAUTHENTICATED) {
        refusedUntil.set(secret, clock.monotonic() + refusedForMs);
      }
      throw error;
    }
  };

  const check: VerifyApiKey = (secret) => {
    const known = kept.get(secret);
    if (known !== undefined) {
      if (stillHolds(known)) return known.principal;
      kept.delete(secret);
    }
    if (apiKeyIdOf(secret) === undefined || clock.monotonic() < (refusedUntil.get(secret) ?? 0))
      throw invalid();
    const { version } = revocations;
    const underWay = asking.get(secret);
    if (underWay?.version === version) return underWay.answer;
    const answer = verify(secret).finally(() => {
      if (asking.get(secret)?.answer === answer) asking.delete(secret);
    });
    asking.set(secret, { version, answer });
    return answer;
  };
  return Object.assign(check, { remembers: (secret: string) => kept.has(secret) });
}

function revokedSoFar(
  { revokedAt }: ApiKeyVerifierOptions["revocations"],
  { apiKeyId, userId }: VerifiedKey["principal"],
): string {
  return `${revokedAt("apiKeyId", apiKeyId)} ${revokedAt("userId", userId)}`;
}

function invalid(): RpcError {
  return unauthenticated("API_KEY_INVALID", "the API key is not valid");
}
