// Finds out who calls: from `authorization: Bearer <access token>` or from an API key in `x-api-key`, and, of a service, for whom it calls.
// Without credentials the call is anonymous; wrong ones end it, and so do two at once. What a caller may do is not decided here.
import type { VerifyToken } from "#impl/auth/access-token.ts";
import type { VerifyApiKey } from "#impl/auth/api-key-verifier.ts";
import type { VerifyDelegation } from "#impl/auth/delegation.ts";
import type { Call } from "#impl/runtime/call.ts";
import type { Link } from "#impl/runtime/handler.ts";
import {
  API_KEY,
  AUTHORIZATION,
  DELEGATION,
  type OriginalCaller,
  type Principal,
} from "#impl/runtime/principal.ts";
import { unauthenticated } from "#impl/runtime/rpc-error.ts";
import { afterWait } from "./after-wait.ts";

/** Before a token in "authorization", in any case of letters. */
export const SCHEME = "bearer ";

/** Each is synchronous for what it has verified before. */
export interface CredentialVerifiers {
  readonly token: VerifyToken;
  readonly apiKey: VerifyApiKey;
  readonly delegation: VerifyDelegation;
}

export function authenticate(verifiers: CredentialVerifiers): Link {
  const verify = credentialsVerifier(verifiers);
  return (method, next) => {
    const goOn = afterWait(method, next);
    return (call, input) => {
      const admitted = admit(verifiers.delegation, call, verify(call));
      return admitted === undefined ? next(call, input) : goOn(admitted, call, input);
    };
  };
}

function credentialsVerifier(
  verifiers: CredentialVerifiers,
): (call: Call) => Principal | Promise<Principal> | undefined {
  return ({ metadata }) => {
    const authorization = metadata.get(AUTHORIZATION);
    const apiKey = metadata.get(API_KEY);
    if (authorization === undefined) return apiKey === undefined ? undefined : verifiers.apiKey(apiKey);
    if (apiKey !== undefined) {
      throw unauthenticated(
        "CREDENTIALS_AMBIGUOUS",
        `the call has both "${AUTHORIZATION}" and "${API_KEY}": send one of them`,
      );
    }
    if (!authorization.slice(0, SCHEME.length).toLowerCase().startsWith(SCHEME)) {
      throw unauthenticated("CREDENTIALS_UNKNOWN", `the scheme of "${AUTHORIZATION}" is not Bearer`);
    }
    return verifiers.token(authorization.slice(SCHEME.length));
  };
}

/** Lets the call know its caller, now, or when the promise resolves. */
function admit(
  verifyDelegation: VerifyDelegation,
  call: Call,
  principal: Principal | Promise<Principal> | undefined,
): Promise<void> | undefined {
  if (principal instanceof Promise) {
    return principal.then((verified) => admit(verifyDelegation, call, verified));
  }
  const delegation = call.metadata.get(DELEGATION);
  if (delegation === undefined) {
    call.principal = principal;
    return undefined;
  }
  const known = (onBehalfOf: OriginalCaller): void => {
    call.principal = principal;
    call.onBehalfOf = onBehalfOf;
  };
  const caller = verifyDelegation(delegation, principal);
  if (caller instanceof Promise) return caller.then(known);
  known(caller);
  return undefined;
}
