// How a gateway tells services who calls: it exchanges the credentials that it has verified for a short-lived access token of its own
// signature (RFC 8693), with the caller as "sub", what he may do, and the gateway as "act". The credentials stay at the gateway. A revocation
// ends the token as it would have ended them: it carries their session, their API key and the time when they were issued.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Principal } from "#impl/runtime/principal.ts";
import { API_KEY_CLAIM, TOKEN_AUDIENCE, TOKEN_ISSUER } from "./access-token.ts";
import { signerNow } from "./sign-now.ts";
import type { SigningKey } from "./sign-token.ts";

/** How long a service believes it, at most; never longer than the caller's credentials are good for. */
const LIFETIME_MS = 300_000;
/** The rest of its life that it has when it is sent, where the credentials have as much: longer than a call may be on its way. */
const LEAST_LIFE_MS = 60_000;

/** An access token for the principal. Synchronous: signed once for credentials and some minutes, in a fraction of a millisecond. */
export type Vouch = (principal: Principal) => string;

export interface VouchOptions {
  /** That of services. */
  readonly key: SigningKey;
  /** Who vouches: begins with SERVICE_PREFIX. */
  readonly service: string;
  readonly clock: Clock;
}

export function createVouch({ key, service, clock }: VouchOptions): Vouch {
  const sign = signerNow(key, "JWT");
  // A verifier gives the same principal for the same credentials while it remembers them.
  const kept = new WeakMap<Principal, { readonly token: string; readonly renewAtMs: number }>();
  return (principal) => {
    const now = clock.now();
    const known = kept.get(principal);
    if (known !== undefined && now < known.renewAtMs) return known.token;
    const { userId, roles, permissions, apiKeyId, proof } = principal;
    const goodUntilMs = proof?.expiresAtMs ?? Number.POSITIVE_INFINITY;
    const expiresAtMs = Math.min(now + LIFETIME_MS, goodUntilMs);
    const token = sign({
      iss: TOKEN_ISSUER,
      aud: TOKEN_AUDIENCE,
      sub: userId,
      roles,
      permissions: [...permissions],
      ...(proof?.sessionId === undefined ? {} : { sid: proof.sessionId }),
      ...(apiKeyId === undefined ? {} : { [API_KEY_CLAIM]: apiKeyId }),
      act: { sub: service },
      iat: (proof?.issuedAtMs ?? now) / 1_000,
      exp: Math.ceil(expiresAtMs / 1_000),
    });
    const renewAtMs = goodUntilMs <= expiresAtMs ? goodUntilMs : expiresAtMs - LEAST_LIFE_MS;
    kept.set(principal, { token, renewAtMs });
    return token;
  };
}
