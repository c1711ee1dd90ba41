// What can be wrong with API keys.
import { failedPrecondition, notFound, type RpcError, unauthenticated } from "#impl/runtime/rpc-error.ts";
import { API_KEY_TYPE } from "./api-key.ts";

export function apiKeyNotFound(apiKeyId: string): RpcError {
  return notFound(API_KEY_TYPE, apiKeyId);
}

/** The user must be there, and may act. */
export function holderNotFound(userId: string): RpcError {
  return notFound("ecommerce.v1.User", userId);
}

export function scopesNotHeld(userId: string, scopes: readonly string[]): RpcError {
  return failedPrecondition(
    "API_KEY_SCOPE_NOT_HELD",
    `users/${userId}`,
    `a key carries only permissions that its user has, which are not ${scopes.join(", ")}`,
  );
}

export function apiKeyNotActive(apiKeyId: string): RpcError {
  return failedPrecondition(
    "API_KEY_NOT_ACTIVE",
    `apiKeys/${apiKeyId}`,
    "the key has expired or was revoked: make a new one",
  );
}

/** The same for whatever is wrong with it. */
export function apiKeyInvalid(): RpcError {
  return unauthenticated("API_KEY_INVALID", "the API key is not valid");
}
