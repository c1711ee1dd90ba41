// Who may do what with API keys beyond what the policy of the method says. Nobody gets more by a key than it has: of another's key, and with
// a key, a caller may be given only secrets that carry no more than it may do itself.
import type { Principal } from "#impl/runtime/principal.ts";
import { permissionDenied } from "#impl/runtime/rpc-error.ts";
import type { ApiKey } from "./api-key.ts";
import { apiKeyNotFound } from "./api-key-errors.ts";

export interface ApiKeyAccess {
  /** Throws NOT_FOUND for a key that the caller may not know of, and for none at all. */
  requireOwn(key: ApiKey | undefined, apiKeyId: string, principal: Principal | undefined): ApiKey;
  /** Throws PERMISSION_DENIED unless the caller may hold a secret that acts for this user with these scopes. */
  requireNoMore(userId: string, scopes: readonly string[], principal: Principal | undefined): void;
}

/** `checked` is false when authentication is switched off: then no caller is known, and everyone may do everything. */
export function createApiKeyAccess(checked: boolean): ApiKeyAccess {
  const owns = (userId: string, principal: Principal | undefined): boolean =>
    principal?.apiKeyId === undefined && principal?.userId.toLowerCase() === userId.toLowerCase();
  return {
    requireOwn(key, apiKeyId, principal) {
      const mayWrite = !checked || principal?.permissions.has("api_keys.write") === true;
      if (key !== undefined && (mayWrite || owns(key.userId, principal))) return key;
      throw apiKeyNotFound(apiKeyId);
    },
    requireNoMore(userId, scopes, principal) {
      if (!checked || owns(userId, principal)) return;
      const missing = scopes.filter((scope) => principal?.permissions.has(scope) !== true);
      if (missing.length > 0) throw permissionDenied(missing);
    },
  };
}
