// What a caller may do with users beyond what the policy of the method says: that was checked before the handler ran.
import type { Principal } from "#impl/runtime/principal.ts";
import { permissionDenied } from "#impl/runtime/rpc-error.ts";
import { defaultRole, isDeleted, sameRoles, type User } from "./user.ts";

const readUsers = "users.read";
const assignRoles = "users.assign_roles";

export type UserAccess = {
  /** Who is deleted exists no more, except for those who may read all users. */
  readonly maySee: (user: User, principal: Principal | undefined) => boolean;
  /** Throws PERMISSION_DENIED unless the caller may give or take roles, or nothing but the role of a customer is asked for. */
  readonly requireRolesAtCreation: (roles: readonly string[], principal: Principal | undefined) => void;
  /** Throws PERMISSION_DENIED when the roles change and the caller may not change them. */
  readonly requireRolesAtUpdate: (
    before: readonly string[],
    after: readonly string[],
    principal: Principal | undefined,
  ) => void;
};

/**
 * `checked` is false when authentication is switched off: then no caller is known, and everyone may do everything. When
 * it is true, an unknown caller is one who registers.
 */
export function createUserAccess(checked: boolean): UserAccess {
  const holds = (principal: Principal | undefined, permission: string): boolean =>
    !checked || principal?.permissions.has(permission) === true;
  const requireSame = (
    some: readonly string[],
    others: readonly string[],
    principal: Principal | undefined,
  ) => {
    if (!sameRoles(some, others) && !holds(principal, assignRoles)) throw permissionDenied([assignRoles]);
  };
  return {
    maySee: (user, principal) => !isDeleted(user) || holds(principal, readUsers),
    requireRolesAtCreation: (roles, principal) => requireSame([defaultRole], roles, principal),
    requireRolesAtUpdate: requireSame,
  };
}
