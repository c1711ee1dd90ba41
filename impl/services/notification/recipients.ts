// Where a user is written to and in which language, asked of the UserService. Nothing is kept: an address that was changed counts at once.
import { CallError } from "#impl/client/call-error.ts";
import type { ClientOf } from "#impl/client/client.ts";
import type { Call } from "#impl/runtime/call.ts";
import { notFound, unavailable } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { type UserServiceDefinition, UserState } from "#proto/ecommerce/v1/user.ts";

export interface Recipient {
  readonly email: string;
  /** BCP 47; empty means the shop's default. */
  readonly locale: string;
}

/** NOT_FOUND when there is no such user, or it is deleted; UNAVAILABLE when that cannot be asked now. */
export type FindRecipient = (userId: string, call: Call) => Promise<Recipient>;

export type UserClient = Pick<ClientOf<UserServiceDefinition>, "getUser">;

const USER_TYPE = "ecommerce.v1.User";
const FIELDS = ["email", "profile.locale", "state"];
/** Those that say nothing about the user. */
const PASSING: ReadonlySet<Code> = new Set([
  Code.UNAVAILABLE,
  Code.DEADLINE_EXCEEDED,
  Code.RESOURCE_EXHAUSTED,
]);

export function createFindRecipient(users: UserClient): FindRecipient {
  return async (userId, call) => {
    try {
      const { user } = await users.getUser({ userId, readMask: FIELDS }, { parent: call });
      if (user === undefined || user.state === UserState.USER_STATE_DELETED)
        throw notFound(USER_TYPE, userId);
      return { email: user.email, locale: user.profile?.locale ?? "" };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if (error.code === Code.NOT_FOUND) throw notFound(USER_TYPE, userId);
      if (!PASSING.has(error.code)) throw error;
      throw unavailable("USERS_UNAVAILABLE", "the user cannot be looked up now", undefined, error);
    }
  };
}
