// What a caller may see and follow through the gateway, which itself may see everything: the rules that a service would apply to the caller.
import type { Method } from "#impl/runtime/method.ts";
import type { Principal } from "#impl/runtime/principal.ts";
import { permissionDenied, unauthenticated } from "#impl/runtime/rpc-error.ts";

type Caller = Principal | undefined;

export interface CallerAccess {
  /** Whether the caller holds the permission, or, being no API key, is the owner. */
  allows(caller: Caller, permission: string, ownerId: string): boolean;
  /** Throws what the method would refuse the caller with; `ownerId` is the value of its owner field. */
  require(caller: Caller, method: Method, ownerId: string): void;
}

/** `checked` is false when authentication is switched off: then no caller is known, and everyone may do everything. */
export function createCallerAccess(checked: boolean): CallerAccess {
  const owns = (caller: Principal, ownerId: string): boolean =>
    caller.apiKeyId === undefined && ownerId !== "" && ownerId.toLowerCase() === caller.userId.toLowerCase();
  return {
    allows: (caller, permission, ownerId) =>
      !checked || (caller !== undefined && (caller.permissions.has(permission) || owns(caller, ownerId))),
    require(caller, { policy: { access } }, ownerId) {
      if (!checked || access.kind === "public") return;
      if (caller === undefined) {
        throw unauthenticated(
          "CREDENTIALS_MISSING",
          "the topic needs an access token in the call's metadata",
        );
      }
      if (access.kind === "authenticated") return;
      const missing = access.permissions.filter((permission) => !caller.permissions.has(permission));
      const own = access.owner !== undefined && owns(caller, ownerId);
      if (missing.length > 0 && !own) throw permissionDenied(missing);
    },
  };
}
