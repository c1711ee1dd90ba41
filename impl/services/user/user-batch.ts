// BatchGetUsers: many users by id or e-mail address, each with its own outcome.
import type { Call } from "#impl/runtime/call.ts";
import type { RpcError } from "#impl/runtime/rpc-error.ts";
import type {
  BatchGetUsersRequest,
  BatchGetUsersResponse,
  BatchGetUsersResult,
  User as UserMessage,
} from "#proto/ecommerce/v1/user.ts";
import type { User } from "./user.ts";
import { emailNotFound, userNotFound } from "./user-errors.ts";
import { toMessage } from "./user-message.ts";
import type { UserStore } from "./user-store.ts";

export async function batchGetUsers(
  store: UserStore,
  { userIds, emails }: BatchGetUsersRequest,
  call: Call,
  view: (user: UserMessage) => UserMessage,
): Promise<BatchGetUsersResponse> {
  const byId = userIds.length === 0 ? none : await store.findAll(userIds, call.signal);
  const byEmail = emails.length === 0 ? none : await store.findAllByEmail(emails, call.signal);
  const outcome = (user: User | undefined, error: () => RpcError): BatchGetUsersResult["result"] =>
    user === undefined ? failed(call, error()) : { $case: "user", value: view(toMessage(user)) };
  return {
    results: [
      ...userIds.map((userId) => {
        const result = outcome(byId.get(userId.toLowerCase()), () => userNotFound(userId));
        return { userId, email: "", result };
      }),
      ...emails.map((email) => {
        const result = outcome(byEmail.get(email.toLowerCase()), emailNotFound);
        return { userId: "", email, result };
      }),
    ],
  };
}

const none: ReadonlyMap<string, User> = new Map();

/** What a call for this user alone would end with. */
function failed(call: Call, error: RpcError): BatchGetUsersResult["result"] {
  const { code, message, details } = call.environment.boundary(error);
  return { $case: "error", value: { code, message, details: [...details] } };
}
