// What UserService knows of those who have credentials, asked over the wire. Not by GetUser, whose answers are cached for a while.
import { CallError } from "#impl/client/call-error.ts";
import type { ClientOf } from "#impl/client/client.ts";
import type { Call } from "#impl/runtime/call.ts";
import { unavailable } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import {
  BatchGetUsersRequest,
  type BatchGetUsersResult,
  type User,
  type UserServiceDefinition,
  UserState,
} from "#proto/ecommerce/v1/user.ts";

export type AccountUser = Pick<User, "userId" | "email" | "roles" | "state">;

/** How many can be asked for at once. */
export const USERS_AT_ONCE = 200;

export interface AccountUsers {
  /** By e-mail address in whatever case; one that is deleted is not found. */
  findByEmail(email: string, call: Call): Promise<AccountUser | undefined>;
  find(userId: string, call: Call): Promise<AccountUser | undefined>;
  /** Those of up to USERS_AT_ONCE ids that exist, deleted or not. */
  existing(userIds: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>>;
}

const READ_MASK = ["user_id", "email", "roles", "state"];
const RETRY_DELAY_MS = 1_000;

export function createAccountUsers(
  client: Pick<ClientOf<UserServiceDefinition>, "batchGetUsers">,
): AccountUsers {
  const ask = async (
    wanted: Partial<Pick<BatchGetUsersRequest, "userIds" | "emails">>,
    context: { readonly parent?: Call; readonly signal?: AbortSignal },
  ): Promise<BatchGetUsersResult[]> => {
    const request = BatchGetUsersRequest.fromPartial({ userIds: [], ...wanted, readMask: READ_MASK });
    try {
      return (await client.batchGetUsers(request, context)).results;
    } catch (error) {
      const own = context.parent?.signal ?? context.signal;
      own?.throwIfAborted();
      const passing = error instanceof CallError && PASSING.has(error.code);
      throw passing
        ? unavailable("USERS_UNAVAILABLE", "users cannot be looked up now", RETRY_DELAY_MS, error)
        : error;
    }
  };
  return {
    findByEmail: async (email, call) => userOf((await ask({ emails: [email] }, { parent: call }))[0]),
    find: async (userId, call) => userOf((await ask({ userIds: [userId] }, { parent: call }))[0]),
    async existing(userIds, signal) {
      const results = await ask({ userIds: [...userIds] }, { signal });
      return new Set(results.flatMap((result) => (result.result?.$case === "user" ? [result.userId] : [])));
    },
  };
}

const PASSING: ReadonlySet<Code> = new Set([
  Code.UNAVAILABLE,
  Code.DEADLINE_EXCEEDED,
  Code.RESOURCE_EXHAUSTED,
  Code.CANCELLED,
]);

export function canLogIn(user: AccountUser): boolean {
  return user.state === UserState.USER_STATE_ACTIVE;
}

function userOf(result: BatchGetUsersResult | undefined): AccountUser | undefined {
  return result?.result?.$case === "user" ? result.result.value : undefined;
}
