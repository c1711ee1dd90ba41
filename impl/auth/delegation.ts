// For whom a service calls: a statement that the calling service signs, with the caller as "sub" and the service as "act" (RFC 8693). It is
// believed only beside the token of the service it names, and only under the key of services. It grants nothing: what the call may do is
// what the service may do; it says for whom, to logs, audit and handlers.
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import type { Clock } from "#impl/runtime/clock.ts";
import type { OriginalCaller, Principal } from "#impl/runtime/principal.ts";
import { unauthenticated } from "#impl/runtime/rpc-error.ts";
import { DEFAULT_CLOCK_SKEW_SECONDS, TOKEN_ISSUER } from "./access-token.ts";
import { signerNow } from "./sign-now.ts";
import type { SigningKey } from "./sign-token.ts";

/** Not that of access tokens, so that neither can be used as the other. */
export const DELEGATION_AUDIENCE = "grpc-ecommerce/on-behalf-of";
const ALGORITHM = "EdDSA";
const TYPE = "on-behalf-of+jwt";

const LIFETIME_SECONDS = 120;
/** The rest of its life that a delegation must have when it is sent: longer than a call may be on its way. */
const LEAST_LIFE_MS = 60_000;
/** Callers whose delegations are kept, by the service that signs and by those that verify; the least recently used goes first. */
const REMEMBERED = 10_000;

/** The delegation of a service for a caller. Synchronous: it is signed once a caller and minute, in a fraction of a millisecond. */
export type Delegate = (caller: OriginalCaller) => string;

export interface DelegateOptions {
  readonly key: SigningKey;
  /** The service that signs. */
  readonly service: string;
  readonly clock: Clock;
}

export function createDelegate({ key, service, clock }: DelegateOptions): Delegate {
  const sign = signerNow(key, TYPE);
  const kept = new LRUCache<string, { readonly token: string; readonly renewAt: number }>({
    max: REMEMBERED,
  });
  return ({ userId }) => {
    const now = clock.now();
    const known = kept.get(userId);
    if (known !== undefined && now < known.renewAt) return known.token;
    const iat = Math.floor(now / 1_000);
    const exp = iat + LIFETIME_SECONDS;
    const claims = {
      iss: TOKEN_ISSUER,
      aud: DELEGATION_AUDIENCE,
      sub: userId,
      act: { sub: service },
      iat,
      exp,
    };
    const token = sign(claims);
    kept.set(userId, { token, renewAt: exp * 1_000 - LEAST_LIFE_MS });
    return token;
  };
}

/** Synchronous for a delegation that was verified before. Throws or rejects UNAUTHENTICATED, also when another than `principal` signed it. */
export type VerifyDelegation = (
  delegation: string,
  principal: Principal | undefined,
) => OriginalCaller | Promise<OriginalCaller>;

interface Verified {
  readonly caller: OriginalCaller;
  readonly service: string;
  readonly expiresAt: number;
}

/** `keys` are those of services alone. */
export function createDelegationVerifier(keys: JSONWebKeySet, clock: Clock): VerifyDelegation {
  const keySet = createLocalJWKSet(keys);
  const verified = new LRUCache<string, Verified>({ max: REMEMBERED });
  const verify = async (delegation: string, principal: Principal): Promise<OriginalCaller> => {
    const { payload } = await jwtVerify(delegation, keySet, {
      algorithms: [ALGORITHM],
      typ: TYPE,
      issuer: TOKEN_ISSUER,
      audience: DELEGATION_AUDIENCE,
      clockTolerance: DEFAULT_CLOCK_SKEW_SECONDS,
      currentDate: new Date(clock.now()),
      requiredClaims: ["sub", "act", "exp"],
    }).catch(refuse);
    const statement: Verified = {
      caller: { userId: payload.sub ?? "" },
      service: actorOf(payload),
      expiresAt: ((payload.exp ?? 0) + DEFAULT_CLOCK_SKEW_SECONDS) * 1_000,
    };
    const caller = believe(statement, principal);
    verified.set(delegation, statement);
    return caller;
  };
  return (delegation, principal) => {
    if (principal === undefined) throw invalid("a delegation needs the token of the service that signed it");
    const known = verified.get(delegation);
    if (known !== undefined && clock.now() < known.expiresAt) return believe(known, principal);
    return verify(delegation, principal);
  };
}

function believe({ caller, service }: Verified, { userId }: Principal): OriginalCaller {
  if (caller.userId === "") throw invalid("the delegation names no caller");
  if (service !== userId) throw invalid("the delegation is of another service than the one that calls");
  return caller;
}

function actorOf({ act }: JWTPayload): string {
  return typeof act === "object" && act !== null && "sub" in act && typeof act.sub === "string"
    ? act.sub
    : "";
}

function refuse(error: unknown): never {
  if (error instanceof errors.JWTExpired) {
    throw unauthenticated("DELEGATION_EXPIRED", "the delegation has expired");
  }
  if (error instanceof errors.JOSEError) throw invalid("the delegation is not valid");
  throw error;
}

function invalid(message: string): Error {
  return unauthenticated("DELEGATION_INVALID", message);
}
