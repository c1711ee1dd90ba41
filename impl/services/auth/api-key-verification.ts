// Who holds an API key, for services that were sent one. What its user may do is asked anew each time; who asks keeps the answer for a minute,
// or until it is told of a revocation.
import { apiKeyIdOf, hashApiKeySecret } from "#impl/auth/api-key-secret.ts";
import type { Audit } from "#impl/observability/audit.ts";
import type { Call } from "#impl/runtime/call.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import type {
  AuthServiceDefinition,
  VerifyApiKeyRequest,
  VerifyApiKeyResponse,
} from "#proto/ecommerce/v1/auth.ts";
import { type ApiKey, ApiKeyState, matchingSecret, permissionsNow, stateOf } from "./api-key.ts";
import { apiKeyInvalid } from "./api-key-errors.ts";
import type { FindHolder } from "./api-key-holder.ts";
import type { ApiKeyStore } from "./api-key-store.ts";

/** How long an answer may be kept. Not longer than the step of the last use, which is noted only when a key is verified. */
export const KEEP_VERIFIED_MS = 60_000;

export interface VerificationOptions {
  readonly apiKeys: Pick<ApiKeyStore, "find" | "noteUse">;
  readonly findHolder: FindHolder;
  readonly audit: Audit;
  readonly clock: Clock;
}

export function createApiKeyVerification(
  options: VerificationOptions,
): Pick<HandlersOf<AuthServiceDefinition>, "verifyApiKey"> {
  return { verifyApiKey: (request, call) => verifyApiKey(options, request, call) };
}

async function verifyApiKey(
  options: VerificationOptions,
  { secret }: VerifyApiKeyRequest,
  call: Call,
): Promise<VerifyApiKeyResponse> {
  const { apiKeys, findHolder, clock } = options;
  const apiKeyId = apiKeyIdOf(secret);
  const key = apiKeyId === undefined ? undefined : await apiKeys.find(apiKeyId, call.signal);
  if (key === undefined) throw apiKeyInvalid();
  const now = new Date(clock.now());
  const match = matchingSecret(key, hashApiKeySecret(secret), now);
  if (match === undefined) throw apiKeyInvalid();
  requireActive(options, key, now, call);
  const holder = await findHolder(key.userId, call);
  if (holder === undefined) throw apiKeyInvalid();
  await apiKeys.noteUse(key, now, call.signal);
  const keepUntil = now.getTime() + KEEP_VERIFIED_MS;
  return {
    apiKeyId: key.apiKeyId,
    userId: key.userId,
    roles: [...holder.roles],
    permissions: permissionsNow(key, holder.permissions),
    cacheUntil: new Date(Math.min(keepUntil, match.until?.getTime() ?? keepUntil)),
  };
}

function requireActive({ audit }: VerificationOptions, key: ApiKey, now: Date, call: Call): void {
  const state = stateOf(key, now);
  if (state === ApiKeyState.API_KEY_STATE_ACTIVE) return;
  if (state === ApiKeyState.API_KEY_STATE_REVOKED) {
    const { apiKeyId, userId } = key;
    audit.record({ event: "api_key_used_after_revocation", outcome: "denied", apiKeyId, userId }, call);
  }
  throw apiKeyInvalid();
}
