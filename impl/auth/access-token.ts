// Access tokens: JWTs that are believed when a trusted key has signed them and nothing has revoked them. A verified token is remembered
// until it expires, since verifying costs more than the rest of a call; what is remembered is still asked about revocations.
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import type { Clock } from "#impl/runtime/clock.ts";
import { type Principal, SERVICE_PREFIX } from "#impl/runtime/principal.ts";
import { unauthenticated } from "#impl/runtime/rpc-error.ts";
import type { IssuedToken, RevocationSet } from "./revocation-set.ts";
import type { TokenAlgorithm, TrustedKeys } from "./trusted-keys.ts";

export const TOKEN_ISSUER = "grpc-ecommerce";
export const TOKEN_AUDIENCE = "grpc-ecommerce";

/** No access token of the system lives longer, whatever is configured. */
export const MAX_ACCESS_TOKEN_SECONDS = 3_600;

/** In a token that a gateway vouches with: the API key that its caller used. */
export const API_KEY_CLAIM = "api_key_id";

/** Verified tokens that are remembered; the least recently used one goes first. */
export const REMEMBERED_TOKENS = 10_000;
/** How far the clocks of issuer and verifier may differ. */
export const DEFAULT_CLOCK_SKEW_SECONDS = 5;
const MAX_KEY_ID_LENGTH = 128;

/** Synchronous for a token that was verified before. Throws or rejects UNAUTHENTICATED. */
export interface VerifyToken {
  (token: string): Principal | Promise<Principal>;
  /** Whether the token was verified before, so that verifying it costs nothing. */
  remembers?(token: string): boolean;
}

export interface TokenVerifierOptions {
  readonly keys: TrustedKeys;
  readonly clock: Clock;
  /** Default EdDSA only. A key verifies its own algorithm and no other, whatever is listed here. */
  readonly algorithms?: readonly TokenAlgorithm[];
  readonly revocations?: RevocationSet;
  /** Ids of the keys that may sign for services and say which API key was used; default all of `keys`. */
  readonly serviceKeyIds?: ReadonlySet<string>;
  readonly clockSkewSeconds?: number;
}

interface Verified extends IssuedToken {
  readonly principal: Principal;
  readonly expiresAtMs: number;
  /** The version of the revocations that were asked last. */
  asked: number;
}

export function createTokenVerifier(options: TokenVerifierOptions): VerifyToken {
  const { keys, clock, revocations, clockSkewSeconds = DEFAULT_CLOCK_SKEW_SECONDS } = options;
  const algorithms = [...(options.algorithms ?? ["EdDSA"])];
  const { serviceKeyIds } = options;
  const keyOf = keyFinder(keys);
  const verified = new LRUCache<string, Verified>({ max: REMEMBERED_TOKENS });
  const requireNotRevoked = (token: string, issued: Verified): Principal => {
    if (revocations !== undefined && issued.asked !== revocations.version) {
      if (revocations.isRevoked(issued)) {
        verified.delete(token);
        throw unauthenticated("TOKEN_REVOKED", "the access token was revoked");
      }
      issued.asked = revocations.version;
    }
    return issued.principal;
  };
  const verify = async (token: string): Promise<Principal> => {
    const { payload, protectedHeader } = await jwtVerify(token, keyOf, {
      algorithms,
      issuer: TOKEN_ISSUER,
      audience: TOKEN_AUDIENCE,
      clockTolerance: clockSkewSeconds,
      currentDate: new Date(clock.now()),
      requiredClaims: ["sub", "exp"],
    }).catch(refuse);
    const issued = readClaims(payload, clockSkewSeconds);
    if (serviceKeyIds?.has(protectedHeader.kid ?? "") === false) requireOfUser(issued.principal);
    const principal = requireNotRevoked(token, issued);
    verified.set(token, issued);
    return principal;
  };
  const remembered = (token: string): Verified | undefined => {
    const known = verified.get(token);
    return known !== undefined && clock.now() < known.expiresAtMs ? known : undefined;
  };
  const check: VerifyToken = (token) => {
    const known = remembered(token);
    return known === undefined ? verify(token) : requireNotRevoked(token, known);
  };
  return Object.assign(check, { remembers: (token: string) => remembered(token) !== undefined });
}

/** By the key id and nothing else: what else a header says about keys is the sender's word. */
function keyFinder(keys: TrustedKeys): JWTVerifyGetKey {
  return async ({ kid, alg }) => {
    const named = typeof kid === "string" && kid.length <= MAX_KEY_ID_LENGTH;
    const found = named ? await keys.find(kid) : undefined;
    if (found === undefined) throw new errors.JWKSNoMatchingKey();
    if (found.algorithm !== alg) throw new errors.JOSEAlgNotAllowed("the key is for another algorithm");
    return found.key;
  };
}

function readClaims(payload: JWTPayload, clockSkewSeconds: number): Verified {
  const { sub, exp = 0, iat, sid, [API_KEY_CLAIM]: apiKeyId } = payload;
  if (typeof sub !== "string" || sub === "") {
    throw unauthenticated("TOKEN_INVALID", "the access token names no user");
  }
  const sessionId = typeof sid === "string" ? sid : undefined;
  // One that does not say when it was issued was issued before any revocation.
  const issuedAtMs = iat === undefined ? 0 : Math.round(iat * 1_000);
  return {
    principal: {
      userId: sub,
      roles: strings(payload.roles),
      permissions: new Set(strings(payload.permissions)),
      ...(typeof apiKeyId === "string" ? { apiKeyId } : {}),
      proof: { ...(sessionId === undefined ? {} : { sessionId }), issuedAtMs, expiresAtMs: exp * 1_000 },
    },
    userId: sub,
    sessionId,
    apiKeyId: typeof apiKeyId === "string" ? apiKeyId : undefined,
    issuedAtMs,
    expiresAtMs: (exp + clockSkewSeconds) * 1_000,
    asked: -1,
  };
}

/** Throws when the principal is what only services vouch for. */
function requireOfUser({ userId, apiKeyId }: Principal): void {
  if (!userId.startsWith(SERVICE_PREFIX) && apiKeyId === undefined) return;
  throw unauthenticated(
    "TOKEN_INVALID",
    "the access token is of a service, and not signed by a key of services",
  );
}

function refuse(error: unknown): never {
  if (error instanceof errors.JWTExpired)
    throw unauthenticated("TOKEN_EXPIRED", "the access token has expired");
  if (error instanceof errors.JOSEError)
    throw unauthenticated("TOKEN_INVALID", "the access token is not valid");
  throw error;
}

function strings(claim: unknown): string[] {
  return Array.isArray(claim) ? claim.filter((item) => typeof item === "string") : [];
}
