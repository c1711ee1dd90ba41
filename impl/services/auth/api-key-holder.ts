// The user whom an API key acts for, asked of the UserService. Nothing is kept: whoever keeps an answer is told when it no longer holds.
import { CallError } from "#impl/client/call-error.ts";
import type { ClientOf } from "#impl/client/client.ts";
import type { Call } from "#impl/runtime/call.ts";
import { unavailable } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { type UserServiceDefinition, UserState } from "#proto/ecommerce/v1/user.ts";

export interface Holder {
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

/** Undefined when there is no such user, or it may not act. UNAVAILABLE when that cannot be asked now. */
export type FindHolder = (userId: string, call: Call) => Promise<Holder | undefined>;

export interface FindHolderOptions {
  readonly users: Pick<ClientOf<UserServiceDefinition>, "getUser">;
  readonly permissionsOf: (roles: readonly string[]) => readonly string[];
}

const FIELDS = ["roles", "state"];
/** Those that say nothing about the user. */
const PASSING: ReadonlySet<Code> = new Set([
  Code.UNAVAILABLE,
  Code.DEADLINE_EXCEEDED,
  Code.RESOURCE_EXHAUSTED,
]);

export function createFindHolder({ users, permissionsOf }: FindHolderOptions): FindHolder {
  return async (userId, call) => {
    try {
      const { user } = await users.getUser({ userId, readMask: FIELDS }, { parent: call });
      if (user?.state !== UserState.USER_STATE_ACTIVE) return undefined;
      return { roles: user.roles, permissions: permissionsOf(user.roles) };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if (error.code === Code.NOT_FOUND) return undefined;
      if (!PASSING.has(error.code)) throw error;
      throw unavailable("USERS_UNAVAILABLE", "the user cannot be looked up now", undefined, error);
    }
  };
}
