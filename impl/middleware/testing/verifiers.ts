// Verifiers for where no credentials but access tokens are in use.
import type { VerifyToken } from "#impl/auth/access-token.ts";
import { unauthenticated } from "#impl/runtime/rpc-error.ts";
import type { CredentialVerifiers } from "../authenticate.ts";

export function verifiersOfTokens(token: VerifyToken): CredentialVerifiers {
  const refuse = (): never => {
    throw unauthenticated("CREDENTIALS_UNKNOWN", "only access tokens are in use");
  };
  return { token, apiKey: refuse, delegation: refuse };
}
