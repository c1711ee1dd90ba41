// The methods that change the state of a user, and nothing else does. Each may be repeated: where the state is reached
// already, the user is returned as it is, whatever etag comes with the request.
import type { Call } from "#impl/runtime/call.ts";
import { failedPrecondition } from "#impl/runtime/rpc-error.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import type { UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { requireEtag } from "../shared/etag.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import { type StateChange, transition, type User, userType } from "./user.ts";
import { userNotFound } from "./user-errors.ts";
import { toMessage } from "./user-message.ts";
import type { UserRevocations } from "./user-revocations.ts";
import type { UserStore } from "./user-store.ts";

type StateChangeHandlers = Pick<
  HandlersOf<UserServiceDefinition>,
  "suspendUser" | "reactivateUser" | "deleteUser" | "undeleteUser"
>;

type Conditions = { readonly etag?: string; readonly reason?: string };

export function createStateChanges(
  store: UserStore,
  revocations: UserRevocations | undefined,
): StateChangeHandlers {
  const change = async (
    kind: StateChange,
    { userId, etag = "", reason = "" }: Conditions & { readonly userId: string },
    call: Call,
  ): Promise<User> => {
    requireStorableText({ reason }, "");
    const changed = await store.write(call.signal, async (writer) => {
      const user = await writer.lock(userId);
      if (user === undefined) throw userNotFound(userId);
      const state = transition(user.state, kind);
      if (state === undefined) throw failedPrecondition("USER_DELETED", userId, "the user is deleted");
      if (state === user.state) return user;
      requireEtag(etag, user.version, userType, userId);
      return await writer.changeState(user, state, { reason, changedBy: call.principal?.userId });
    });
    await revocations?.now(userId, call);
    return changed;
  };
  const handle =
    (kind: StateChange) => async (request: Conditions & { readonly userId: string }, call: Call) => ({
      user: toMessage(await change(kind, request, call)),
    });
  return {
    suspendUser: handle("suspend"),
    reactivateUser: handle("reactivate"),
    deleteUser: handle("delete"),
    undeleteUser: handle("undelete"),
  };
}
