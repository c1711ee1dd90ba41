// Who holds an API key, asked of the AuthService over the wire, also by the process that serves it.

import type { AuthServiceDefinition } from "#proto/ecommerce/v1/auth.ts";
import type { ApiKeyVerifierOptions } from "./auth/api-key-verifier.ts";
import { CallError } from "./client/call-error.ts";
import type { ClientOf } from "./client/client.ts";
import { unauthenticated, unavailable } from "./runtime/rpc-error.ts";
import { Code } from "./runtime/status.ts";

/** Those that say nothing about the key. */
const PASSING: ReadonlySet<Code> = new Set([
  Code.UNAVAILABLE,
  Code.DEADLINE_EXCEEDED,
  Code.RESOURCE_EXHAUSTED,
]);

/** Rejects with UNAUTHENTICATED for a key that does not work, and with UNAVAILABLE when that cannot be asked now. */
export function askForApiKeys(
  client: Pick<ClientOf<AuthServiceDefinition>, "verifyApiKey">,
): ApiKeyVerifierOptions["ask"] {
  return async (secret) => {
    try {
      const { apiKeyId, userId, roles, permissions, cacheUntil } = await client.verifyApiKey({ secret });
      const principal = { apiKeyId, userId, roles, permissions: new Set(permissions) };
      return { principal, keepUntilMs: cacheUntil?.getTime() ?? 0 };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      // Not just any UNAUTHENTICATED: the token of this service may be what is refused.
      if (error.reason === "API_KEY_INVALID") throw unauthenticated(error.reason, "the API key is not valid");
      if (!PASSING.has(error.code)) throw error;
      throw unavailable("API_KEYS_UNAVAILABLE", "API keys cannot be verified now", undefined, error);
    }
  };
}
