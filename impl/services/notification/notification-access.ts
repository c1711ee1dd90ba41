// What a caller may do with something whose owner is known only once it is loaded. The policy of the method was checked before.
import type { Principal } from "#impl/runtime/principal.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";

export type Permission = "notifications.read" | "webhooks.read" | "webhooks.write";

/** What is there, when the caller holds the permission or is its owner. NOT_FOUND else, as if it did not exist. */
export type RequireAccess = <T extends { readonly userId: string | undefined }>(
  found: T | undefined,
  permission: Permission,
  principal: Principal | undefined,
  resource: { readonly type: string; readonly name: string },
) => T;

/** `checked` is false when authentication is switched off: then no caller is known, and everyone may do everything. */
export function createRequireAccess(checked: boolean): RequireAccess {
  return (found, permission, principal, { type, name }) => {
    if (found === undefined) throw notFound(type, name);
    const allowed =
      !checked ||
      principal?.permissions.has(permission) === true ||
      (principal !== undefined && found.userId === principal.userId.toLowerCase());
    if (!allowed) throw notFound(type, name);
    return found;
  };
}
