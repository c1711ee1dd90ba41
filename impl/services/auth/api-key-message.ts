// An API key as its message.
import type { ApiKey as ApiKeyMessage } from "#proto/ecommerce/v1/auth.ts";
import { type ApiKey, ApiKeyState, stateOf } from "./api-key.ts";

export function apiKeyMessage(key: ApiKey, now: Date): ApiKeyMessage {
  const { apiKeyId, userId, displayName, createTime, expireTime, lastUseTime, previousSecret } = key;
  const state = stateOf(key, now);
  const works = state === ApiKeyState.API_KEY_STATE_ACTIVE;
  return {
    apiKeyId,
    userId,
    displayName,
    scopes: [...key.scopes],
    secretPrefix: key.secret.prefix,
    state,
    createTime,
    expireTime,
    lastUseTime,
    previousSecretExpireTime:
      works && previousSecret !== undefined && previousSecret.expireTime > now
        ? previousSecret.expireTime
        : undefined,
  };
}
