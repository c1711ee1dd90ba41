// Lets a call through when its method's access policy does: public, any principal, or a principal with the permissions or, where the policy
// has an owner rule and the caller is no API key, acting on its own. Deny by default.
import type { Call } from "#impl/runtime/call.ts";
import { type Input, type Link, singleInput } from "#impl/runtime/handler.ts";
import type { Method } from "#impl/runtime/method.ts";
import type { Principal } from "#impl/runtime/principal.ts";
import { requestFieldReader, requestMessage } from "#impl/runtime/request-fields.ts";
import { permissionDenied, unauthenticated } from "#impl/runtime/rpc-error.ts";

export const authorize: Link = (method, next) => {
  const { access } = method.policy;
  if (access.kind === "public") return next;
  if (access.kind === "authenticated") {
    return (call, input) => {
      principalOf(call);
      return next(call, input);
    };
  }
  const owns = ownership(method, access.owner);
  // A key carries its scopes and nothing else: else one of few scopes could make another of many for its user.
  const mayOwn = (principal: Principal, call: Call, input: Input): boolean =>
    principal.apiKeyId === undefined && owns(call, principal, input);
  return (call, input) => {
    const principal = principalOf(call);
    const missing = access.permissions.filter((permission) => !principal.permissions.has(permission));
    if (missing.length > 0 && !mayOwn(principal, call, input)) throw permissionDenied(missing);
    return next(call, input);
  };
};

function principalOf(call: Call): Principal {
  if (call.principal !== undefined) return call.principal;
  throw unauthenticated("CREDENTIALS_MISSING", "the call needs an access token in its metadata");
}

type Ownership = (call: Call, principal: Principal, input: Input) => boolean;

function ownership(
  method: Method,
  owner: { readonly requestField: string } | "resource" | undefined,
): Ownership {
  if (owner === undefined) return () => false;
  // The service compares the owner of what it loads.
  if (owner === "resource") return () => true;
  if (method.requestStream)
    throw new Error(`${method.path}: an owner field cannot be read from a request stream`);
  const read = requestFieldReader(method, owner.requestField);
  return (call, principal, input) => {
    const named = read(requestMessage(call, singleInput(input)));
    return named !== "" && named.toLowerCase() === principal.userId.toLowerCase();
  };
}
