// Makes access tokens: JWTs with the claims that verifiers of the system ask for.
import { type CryptoKey, SignJWT } from "jose";
import type { Clock } from "#impl/runtime/clock.ts";
import { TOKEN_AUDIENCE, TOKEN_ISSUER } from "./access-token.ts";
import type { TokenAlgorithm } from "./trusted-keys.ts";

export interface SigningKey {
  readonly keyId: string;
  /** Default EdDSA. */
  readonly algorithm?: TokenAlgorithm;
  /** For HS256 the secret that issuer and verifiers share. */
  readonly privateKey: CryptoKey | Uint8Array;
}

export interface TokenClaims {
  readonly userId: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly lifetimeSeconds: number;
  readonly email?: string;
  /** The session that it belongs to, with which it is revoked. */
  readonly sessionId?: string;
  readonly tokenId?: string;
  /** Milliseconds since the epoch; default now. Of two tokens of a user in one second a revocation may lie between. */
  readonly issuedAtMs?: number;
}

export function signToken(key: SigningKey, claims: TokenClaims, clock: Clock): Promise<string> {
  const { algorithm = "EdDSA" } = key;
  const { roles, permissions, email, sessionId, tokenId, issuedAtMs = clock.now() } = claims;
  const issuedAt = issuedAtMs / 1_000;
  const jwt = new SignJWT({
    roles,
    permissions,
    ...(email === undefined ? {} : { email }),
    ...(sessionId === undefined ? {} : { sid: sessionId }),
  })
    .setProtectedHeader({ alg: algorithm, kid: key.keyId })
    .setIssuer(TOKEN_ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setSubject(claims.userId)
    .setIssuedAt(issuedAt)
    .setNotBefore(Math.floor(issuedAt))
    .setExpirationTime(Math.floor(issuedAt) + claims.lifetimeSeconds);
  if (tokenId !== undefined) jwt.setJti(tokenId);
  return jwt.sign(key.privateKey);
}
