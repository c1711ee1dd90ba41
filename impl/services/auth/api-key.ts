// An API key and its rules: whether it works, and what it may do.
import { timingSafeEqual } from "node:crypto";
import { ApiKeyState } from "#proto/ecommerce/v1/auth.ts";

export { ApiKeyState };

export const API_KEY_TYPE = "ecommerce.v1.ApiKey";

export interface ApiKey {
  readonly apiKeyId: string;
  readonly userId: string;
  readonly displayName: string;
  readonly scopes: readonly string[];
  readonly secret: SecretRecord;
  readonly previousSecret: PreviousSecret | undefined;
  readonly createTime: Date;
  readonly expireTime: Date | undefined;
  readonly revokeTime: Date | undefined;
  readonly lastUseTime: Date | undefined;
}

/** What is kept of a secret. */
export interface SecretRecord {
  readonly prefix: string;
  readonly hash: Buffer;
}

export interface PreviousSecret {
  readonly hash: Buffer;
  readonly expireTime: Date;
}

export function stateOf({ revokeTime, expireTime }: ApiKey, now: Date): ApiKeyState {
  if (revokeTime !== undefined) return ApiKeyState.API_KEY_STATE_REVOKED;
  return expireTime !== undefined && expireTime <= now
    ? ApiKeyState.API_KEY_STATE_EXPIRED
    : ApiKeyState.API_KEY_STATE_ACTIVE;
}

/** Which of the key's secrets has this hash, if it is in force; compared in constant time. `until`: when that secret stops working. */
export function matchingSecret(
  { secret, previousSecret, expireTime }: ApiKey,
  hash: Buffer,
  now: Date,
): { readonly until: Date | undefined } | undefined {
  const isCurrent = timingSafeEqual(secret.hash, hash);
  const isPrevious = previousSecret !== undefined && timingSafeEqual(previousSecret.hash, hash);
  if (isCurrent) return { until: expireTime };
  if (!isPrevious || previousSecret.expireTime <= now) return undefined;
  const { expireTime: ends } = previousSecret;
  return { until: expireTime !== undefined && expireTime < ends ? expireTime : ends };
}

/** Its scopes, as far as its user has them now. */
export function permissionsNow({ scopes }: ApiKey, ofUser: readonly string[]): string[] {
  return scopes.filter((scope) => ofUser.includes(scope));
}
