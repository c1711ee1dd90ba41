// AuthService: passwords, sessions and API keys. Each group of methods has a file of its own; here they become one service.
import { type HandlersOf, implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import { AuthServiceDefinition } from "#proto/ecommerce/v1/auth.ts";
import { type ApiKeyMethodsOptions, createApiKeyMethods } from "./api-key-methods.ts";
import { createApiKeyVerification, type VerificationOptions } from "./api-key-verification.ts";
import { type WatchingNeeds, watchRevocations } from "./watch-revocations.ts";

export type AuthServiceOptions = WatchingNeeds & ApiKeyMethodsOptions & VerificationOptions;

export function createAuthService(options: AuthServiceOptions): ServiceImplementation {
  const handlers: Partial<HandlersOf<AuthServiceDefinition>> = {
    ...createApiKeyMethods(options),
    ...createApiKeyVerification(options),
    watchRevocations: (request, call) => watchRevocations(options, request, call),
  };
  return implement(AuthServiceDefinition, handlers);
}
