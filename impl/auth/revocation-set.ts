// The revocations that are of effect, as a verifier asks them: bounded, and never wrongly silent. Where there are more than it holds, the
// oldest is forgotten together with every session token from before it: their holders refresh.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Revocation } from "#proto/ecommerce/v1/auth.ts";
import { MAX_ACCESS_TOKEN_SECONDS } from "./access-token.ts";

/** Revocations held at most, about 20 MB. */
const HELD_AT_MOST = 100_000;
/** No token that a revocation is about lives longer, on a clock that is a little behind. */
const HELD_FOR_MS = 2 * MAX_ACCESS_TOKEN_SECONDS * 1_000;

/** What is asked about a token. */
export interface IssuedToken {
  readonly userId: string;
  /** Undefined for tokens that belong to no session, such as those of services. */
  readonly sessionId: string | undefined;
  /** The API key that it stands for. */
  readonly apiKeyId?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly issuedAtMs: number;
}

export interface RevocationSet {
  add(revocation: Revocation): void;
  isRevoked(token: IssuedToken): boolean;
  /** When the credentials were revoked last, as far as that is of effect; milliseconds since the epoch. */
  revokedAt(kind: TargetKind, id: string): number | undefined;
  /** Told of each one that is added. Returns how to stop. */
  onAdded(listener: (revocation: Revocation) => void): () => void;
  /** Grows with everything that is added: what was asked before may have another answer. */
  readonly version: number;
  readonly size: number;
}

export type TargetKind = NonNullable<Revocation["target"]>["$case"];

export interface RevocationSetOptions {
  readonly clock: Clock;
  readonly heldAtMost?: number;
}

export function createRevocationSet({
  clock,
  heldAtMost = HELD_AT_MOST,
}: RevocationSetOptions): RevocationSet {
  // In the order in which they were added.
  const revokedAt = new Map<string, number>();
  const listeners = new Set<(revocation: Revocation) => void>();
  let version = 0;
  let forgottenUpToMs = Number.NEGATIVE_INFINITY;
  const forget = (): void => {
    const oldestMs = clock.now() - HELD_FOR_MS;
    for (const [key, timeMs] of revokedAt) {
      if (timeMs > oldestMs && revokedAt.size <= heldAtMost) return;
      revokedAt.delete(key);
      if (timeMs > oldestMs) forgottenUpToMs = Math.max(forgottenUpToMs, timeMs);
    }
  };
  const isAfter = (timeMs: number | undefined, issuedAtMs: number): boolean =>
    timeMs !== undefined && issuedAtMs < timeMs;
  return {
    add(revocation) {
      const { target, revokeTime } = revocation;
      if (target === undefined || revokeTime === undefined) return;
      const key = keyOf(target.$case, target.value);
      const timeMs = Math.max(revokeTime.getTime(), revokedAt.get(key) ?? 0);
      revokedAt.delete(key);
      revokedAt.set(key, timeMs);
      version += 1;
      forget();
      for (const listener of listeners) listener(revocation);
    },
    isRevoked({ userId, sessionId, apiKeyId, issuedAtMs }) {
      if (isAfter(revokedAt.get(keyOf("userId", userId)), issuedAtMs)) return true;
      if (apiKeyId !== undefined) return isAfter(revokedAt.get(keyOf("apiKeyId", apiKeyId)), issuedAtMs);
      if (sessionId === undefined) return false;
      // A session that has ended issues nothing any more.
      return revokedAt.has(keyOf("sessionId", sessionId)) || isAfter(forgottenUpToMs, issuedAtMs);
    },
    revokedAt: (kind, id) => revokedAt.get(keyOf(kind, id)),
    onAdded(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get version() {
      return version;
    },
    get size() {
      return revokedAt.size;
    },
  };
}

function keyOf(kind: TargetKind, id: string): string {
  return `${kind}/${id.toLowerCase()}`;
}
