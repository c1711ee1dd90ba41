import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import type { User } from "#proto/ecommerce/v1/user.ts";
import { admin, as, startUsers } from "./testing/user-fixture.ts";
import { type StateChange, transition, UserState } from "./user.ts";

const { client, database, register } = await startUsers();

const change = async (kind: StateChange, userId: string, { etag = "", reason = "" } = {}, caller = admin) => {
  const answers = {
    suspend: () => client.suspendUser({ userId, reason }, caller),
    reactivate: () => client.reactivateUser({ userId }, caller),
    delete: () => client.deleteUser({ userId, etag }, caller),
    undelete: () => client.undeleteUser({ userId }, caller),
  };
  const { user } = await answers[kind]();
  if (user === undefined) throw new Error("the response has no user");
  return user;
};

const { USER_STATE_ACTIVE: active, USER_STATE_SUSPENDED: suspended, USER_STATE_DELETED: deleted } = UserState;
const to: ReadonlyMap<UserState, readonly StateChange[]> = new Map([
  [active, []],
  [suspended, ["suspend"]],
  [deleted, ["delete"]],
] as const);

const reach = async (state: UserState): Promise<User> => {
  let user = await register();
  for (const kind of to.get(state) ?? []) user = await change(kind, user.userId);
  return user;
};

test.each<[UserState, StateChange, UserState | undefined]>([
  [active, "suspend", suspended],
  [active, "reactivate", active],
  [active, "delete", deleted],
  [active, "undelete", active],
  [suspended, "suspend", suspended],
  [suspended, "reactivate", active],
  [suspended, "delete", deleted],
  [suspended, "undelete", suspended],
  [deleted, "suspend", undefined],
  [deleted, "reactivate", undefined],
  [deleted, "delete", deleted],
  [deleted, "undelete", active],
])("a user in state %i that is asked to %s is then in %s", async (from, kind, expected) => {
  expect(transition(from, kind)).toBe(expected);
  const user = await reach(from);
  const { userId } = user;
  if (expected === undefined) {
    await expect(change(kind, userId)).rejects.toMatchObject({
      code: Code.FAILED_PRECONDITION,
      reason: "USER_DELETED",
      details: { preconditionFailure: { violations: [{ subject: userId }] } },
    });
  } else if (expected === from) {
    expect(await change(kind, userId)).toEqual(user);
  } else {
    const changed = await change(kind, userId);
    expect(changed.state).toBe(expected);
    expect(changed.etag).not.toBe(user.etag);
    expect(changed.deleteTime).toEqual(expected === deleted ? changed.updateTime : undefined);
  }
});

test.each<StateChange>(["suspend", "reactivate", "delete", "undelete"])(
  "an unknown user cannot be asked to %s",
  async (kind) => {
    await expect(change(kind, newId())).rejects.toMatchObject({ code: Code.NOT_FOUND, reason: "NOT_FOUND" });
  },
);

describe("a deletion", () => {
  test("frees the e-mail address, and cannot be taken back once another has it", async () => {
    const first = await register({ email: "Taken@example.com" });
    await change("delete", first.userId);
    const second = await register({ email: "taken@example.com" });
    await expect(change("undelete", first.userId)).rejects.toMatchObject({
      code: Code.ALREADY_EXISTS,
      reason: "EMAIL_TAKEN",
    });
    await change("delete", second.userId);
    expect((await change("undelete", first.userId)).email).toBe("Taken@example.com");
  });

  test("of another version is refused", async () => {
    const { userId, etag } = await register();
    const { etag: newer } = await change("suspend", userId);
    await expect(change("delete", userId, { etag })).rejects.toMatchObject({
      code: Code.ABORTED,
      reason: "ETAG_MISMATCH",
    });
    expect((await change("delete", userId, { etag: newer })).state).toBe(deleted);
  });

  test("that is repeated with its etag is still done", async () => {
    const { userId, etag } = await register();
    const gone = await change("delete", userId, { etag });
    expect(await change("delete", userId, { etag })).toEqual(gone);
  });

  test("is for the user itself and those who may write users", async () => {
    const { userId } = await register();
    await expect(change("delete", userId, {}, as(newId()))).rejects.toMatchObject({
      code: Code.PERMISSION_DENIED,
    });
    expect((await change("delete", userId, {}, as(userId))).state).toBe(deleted);
    await expect(change("undelete", userId, {}, as(userId))).rejects.toMatchObject({
      code: Code.PERMISSION_DENIED,
    });
  });
});

test("each change of state is kept with its reason and who made it", async () => {
  const { userId } = await register();
  await change("suspend", userId, { reason: "chargebacks" });
  await change("suspend", userId, { reason: "again" });
  await change("delete", userId, {}, as(userId));
  const { rows } = await sql`select state, reason, changed_by from users.state_changes
    where user_id = ${userId} order by version`.execute(database.queries);
  expect(rows).toEqual([
    { state: suspended, reason: "chargebacks", changed_by: admin.metadata?.["test-user"] },
    { state: deleted, reason: "", changed_by: userId },
  ]);
});

test("a reason with a NUL character is refused", async () => {
  const { userId } = await register();
  await expect(change("suspend", userId, { reason: "\0" })).rejects.toMatchObject({
    code: Code.INVALID_ARGUMENT,
    details: { badRequest: { fieldViolations: [{ field: "reason" }] } },
  });
});
