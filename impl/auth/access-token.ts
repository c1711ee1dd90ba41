// Access tokens: JWTs signed with Ed25519. A verified token is remembered until it expires, since verifying costs more than the rest of a call.
import { type CryptoKey, createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify, SignJWT } from "jose";
import { LRUCache } from "lru-cache";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Principal } from "#impl/runtime/principal.ts";
import { unauthenticated } from "#impl/runtime/rpc-error.ts";

export const TOKEN_ISSUER = "grpc-ecommerce";
export const TOKEN_AUDIENCE = "grpc-ecommerce";
const ALGORITHM = "EdDSA";

/** No access token of the system lives longer, whatever is configured. */
export const MAX_ACCESS_TOKEN_SECONDS = 3_600;

/** Verified tokens that are remembered; the least recently used one goes first. */
const REMEMBERED_TOKENS = 10_000;
/** How far the clocks of issuer and verifier may differ. */
const CLOCK_SKEW_SECONDS = 5;

/** Synchronous for a token that was verified before. Throws or rejects UNAUTHENTICATED. */
export type VerifyToken = (token: string) => Principal | Promise<Principal>;

interface Verified {
  readonly principal: Principal;
  readonly expiresAt: number;
}

export function createTokenVerifier(keys: JSONWebKeySet, clock: Clock): VerifyToken {
  const keySet = createLocalJWKSet(keys);
  const verified = new LRUCache<string, Verified>({ max: REMEMBERED_TOKENS });
  const verify = async (token: string): Promise<Principal> => {
    const { payload } = await jwtVerify(token, keySet, {
      algorithms: [ALGORITHM],
      issuer: TOKEN_ISSUER,
      audience: TOKEN_AUDIENCE,
      clockTolerance: CLOCK_SKEW_SECONDS,
      currentDate: new Date(clock.now()),
      requiredClaims: ["sub", "exp"],
    }).catch(refuse);
    if (typeof payload.sub !== "string" || payload.sub === "") {
      throw unauthenticated("TOKEN_INVALID", "the access token names no user");
    }
    const principal: Principal = {
      userId: payload.sub,
      roles: strings(payload.roles),
      permissions: new Set(strings(payload.permissions)),
    };
    verified.set(token, { principal, expiresAt: ((payload.exp ?? 0) + CLOCK_SKEW_SECONDS) * 1_000 });
    return principal;
  };
  return (token) => {
    const known = verified.get(token);
    if (known !== undefined && clock.now() < known.expiresAt) return known.principal;
    return verify(token);
  };
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

export interface TokenClaims {
  readonly userId: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly lifetimeSeconds: number;
}

export interface SigningKey {
  readonly keyId: string;
  readonly privateKey: CryptoKey;
}

export function signToken(key: SigningKey, claims: TokenClaims, clock: Clock): Promise<string> {
  const now = Math.floor(clock.now() / 1_000);
  return new SignJWT({ roles: claims.roles, permissions: claims.permissions })
    .setProtectedHeader({ alg: ALGORITHM, kid: key.keyId })
    .setIssuer(TOKEN_ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setSubject(claims.userId)
    .setIssuedAt(now)
    .setExpirationTime(now + claims.lifetimeSeconds)
    .sign(key.privateKey);
}
