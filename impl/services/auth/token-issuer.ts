// Makes the tokens of a session.
import { permissionsOf } from "#impl/auth/roles.ts";
import { type SigningKey, signToken } from "#impl/auth/sign-token.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import type { TokenSet } from "#proto/ecommerce/v1/auth.ts";
import type { AccountUser } from "./account-users.ts";
import type { Issue } from "./session-store.ts";

export interface TokenIssuerOptions {
  readonly signingKey: (signal: AbortSignal) => Promise<SigningKey>;
  readonly accessTokenSeconds: number;
  readonly clock: Clock;
  readonly newId: NewId;
}

export type TokenIssuer = (issue: Issue, user: AccountUser, signal: AbortSignal) => Promise<TokenSet>;

export function createTokenIssuer(options: TokenIssuerOptions): TokenIssuer {
  const { signingKey, accessTokenSeconds, clock, newId } = options;
  return async (issue, { userId, email, roles }, signal) => {
    const issuedAtMs = issue.issueTime.getTime();
    const claims = {
      userId,
      email,
      roles,
      permissions: permissionsOf(roles),
      sessionId: issue.sessionId,
      tokenId: newId(),
      issuedAtMs,
      lifetimeSeconds: accessTokenSeconds,
    };
    return {
      accessToken: await signToken(await signingKey(signal), claims, clock),
      accessExpireTime: new Date((Math.floor(issuedAtMs / 1_000) + accessTokenSeconds) * 1_000),
      refreshToken: issue.refreshToken,
      refreshExpireTime: issue.refreshExpireTime,
    };
  };
}
