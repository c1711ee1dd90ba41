// AuthService: passwords, sessions and API keys. Each group of methods has a file of its own; here they become one service.
import { type HandlersOf, implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import { AuthServiceDefinition } from "#proto/ecommerce/v1/auth.ts";
import { type ApiKeyMethodsOptions, createApiKeyMethods } from "./api-key-methods.ts";
import { createApiKeyVerification, type VerificationOptions } from "./api-key-verification.ts";
import { createPasswordMethods, type PasswordNeeds } from "./password-methods.ts";
import { publishedKeys } from "./published-keys.ts";
import { createSessionMethods, type SessionNeeds } from "./session-methods.ts";
import type { SigningKeys } from "./signing-keys.ts";
import { type WatchingNeeds, watchRevocations } from "./watch-revocations.ts";

export type AuthServiceOptions = WatchingNeeds &
  SessionNeeds &
  PasswordNeeds &
  ApiKeyMethodsOptions &
  VerificationOptions & { readonly signingKeys: Pick<SigningKeys, "published"> };

export function createAuthService(options: AuthServiceOptions): ServiceImplementation {
  const handlers: HandlersOf<AuthServiceDefinition> = {
    ...createSessionMethods(options),
    ...createPasswordMethods(options),
    ...createApiKeyMethods(options),
    ...createApiKeyVerification(options),
    getJwks: (_, call) => publishedKeys(options.signingKeys, call),
    watchRevocations: (request, call) => watchRevocations(options, request, call),
  };
  return implement(AuthServiceDefinition, handlers);
}
