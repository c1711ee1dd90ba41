import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Client, credentials } from "@grpc/grpc-js";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import {
  BatchGetUsersRequest,
  CreateUserRequest,
  CreateUserResponse,
  GetUserRequest,
  UpdateUserRequest,
  User,
  UserState,
} from "#proto/ecommerce/v1/user.ts";
import { Timestamp } from "#proto/google/protobuf/timestamp.ts";
import { admin, as, startUsers } from "./testing/user-fixture.ts";

const { client, server, database, audit, register } = await startUsers();
const open = await startUsers({ authentication: false });

type Partial<M extends { fromPartial(given: never): unknown }> = Parameters<M["fromPartial"]>[0];

const create = (request: Partial<typeof CreateUserRequest>, options = {}) =>
  client.createUser(CreateUserRequest.fromPartial(request), options).then(({ user }) => given(user));
const get = (request: Partial<typeof GetUserRequest>, options = admin) =>
  client.getUser(GetUserRequest.fromPartial(request), options).then(({ user }) => given(user));
const update = (request: Partial<typeof UpdateUserRequest>, options = admin) =>
  client.updateUser(UpdateUserRequest.fromPartial(request), options).then(({ user }) => given(user));
const batchGet = (request: Partial<typeof BatchGetUsersRequest>) =>
  client.batchGetUsers(BatchGetUsersRequest.fromPartial(request), admin).then(({ results }) => results);

function given(user: User | undefined): User {
  if (user === undefined) throw new Error("the response has no user");
  return user;
}

let emails = 0;
const email = () => `Ada.${++emails}@Example.com`;
const address = { label: "home", addressLines: ["1 Main St"], city: "London", countryCode: "GB" };

/** An error that names the field and rule of one violation. */
const violates = (code: Code, field: string, reason: string) => ({
  code,
  details: { badRequest: { fieldViolations: [{ field, reason }] } },
});

const countUsers = async (mail: string) => {
  const { rows } = await sql<{ n: bigint }>`select count(*) as n from users.users
    where lower(email) = ${mail.toLowerCase()}`.execute(database.queries);
  return rows[0]?.n;
};

describe("CreateUser", () => {
  test("registers anyone as an active customer", async () => {
    const mail = email();
    const profile = { givenName: "Ada", addresses: [address], marketing: { sms: true } };
    const user = await create({ user: { userId: newId(), email: mail, profile, etag: "mine" } });
    expect(user).toEqual({
      userId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      email: mail,
      profile: User.fromPartial({ profile }).profile,
      roles: ["customer"],
      state: UserState.USER_STATE_ACTIVE,
      etag: expect.stringMatching(/^[0-9a-z]{13}$/),
      createTime: expect.any(Date),
      updateTime: user.createTime,
      deleteTime: undefined,
    });
    expect(await get({ userId: user.userId })).toEqual(user);
  });

  test("refuses an address that is taken, whatever its case", async () => {
    const mail = email();
    await create({ user: { email: mail } });
    const error = {
      ...violates(Code.ALREADY_EXISTS, "user.email", "user.email_taken"),
      reason: "EMAIL_TAKEN",
    };
    await expect(create({ user: { email: mail.toUpperCase() } })).rejects.toMatchObject(error);
  });

  test("lets one of many have an address that all want at the same time", async () => {
    const mail = email();
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => create({ user: { email: n % 2 ? mail : mail.toLowerCase() } })),
    );
    const lost = tries.filter(({ status }) => status === "rejected");
    expect(lost).toHaveLength(7);
    for (const { reason } of lost as PromiseRejectedResult[]) expect(reason.reason).toBe("EMAIL_TAKEN");
    expect(await countUsers(mail)).toBe(1n);
  });

  test("has one effect and one answer for one request id, in parallel and later", async () => {
    const request = { user: { email: email() }, requestId: newId() };
    const users = await Promise.all(Array.from({ length: 6 }, () => create(request)));
    users.push(await create(request));
    expect(new Set(users.map(({ userId }) => userId)).size).toBe(1);
    expect(users.at(-1)).toEqual(users[0]);
    expect(await countUsers(request.user.email)).toBe(1n);
  });

  test("refuses a request id that came with another content before", async () => {
    const requestId = newId();
    await create({ user: { email: email() }, requestId });
    await expect(create({ user: { email: email() }, requestId })).rejects.toMatchObject({
      ...violates(Code.ALREADY_EXISTS, "request_id", "request_id.reused"),
      reason: "REQUEST_ID_REUSED",
    });
  });

  test("lets nobody choose roles who may not assign them", async () => {
    const denied = { code: Code.PERMISSION_DENIED, reason: "PERMISSION_MISSING" };
    const user = () => ({ email: email(), roles: ["customer", "admin"] });
    await expect(create({ user: user() })).rejects.toMatchObject(denied);
    await expect(create({ user: user() }, as(newId(), ["users.write"]))).rejects.toMatchObject(denied);
    expect((await create({ user: user() }, admin)).roles).toEqual(["customer", "admin"]);
    expect((await create({ user: { email: email(), roles: ["customer"] } })).roles).toEqual(["customer"]);
  });

  test("refuses unknown roles, passwords that it cannot keep, and text that cannot be stored", async () => {
    const invalid = (field: string, reason: string) => violates(Code.INVALID_ARGUMENT, field, reason);
    await expect(create({ user: { email: email(), roles: ["admin", "king"] } }, admin)).rejects.toMatchObject(
      invalid("user.roles[1]", "user.unknown_role"),
    );
    await expect(create({ user: { email: email() }, password: "long enough" })).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
    });
    await expect(
      create({ user: { email: email() }, password: "long enough for the rules" }),
    ).rejects.toMatchObject(invalid("password", "user.password_not_available"));
    await expect(create({ user: { email: email(), profile: { givenName: "A\0" } } })).rejects.toMatchObject(
      invalid("user.profile.given_name", "text.nul"),
    );
  });

  test("ignores an output-only time that no calendar has", async () => {
    const mail = email();
    const bytes = User.encode(User.fromPartial({ email: mail }))
      .uint32(58)
      .bytes(Timestamp.encode({ seconds: 2n ** 62n, nanos: 0 }).finish())
      .finish();
    const request = new BinaryWriter().uint32(10).bytes(bytes).finish();
    const channel = new Client(server.address, credentials.createInsecure());
    const answered = Promise.withResolvers<CreateUserResponse | undefined>();
    channel.makeUnaryRequest(
      "/ecommerce.v1.UserService/CreateUser",
      (raw: Uint8Array) => Buffer.from(raw),
      CreateUserResponse.decode,
      request,
      (error, response) => (error === null ? answered.resolve(response) : answered.reject(error)),
    );
    expect((await answered.promise.finally(() => channel.close()))?.user?.email).toBe(mail);
  });

  test("leaves no e-mail address in errors and logs", async () => {
    const mail = email();
    await create({ user: { email: mail } });
    const error = await create({ user: { email: mail } }).catch((reason: unknown) => reason);
    const { status } = server.ended.at(-1) ?? {};
    expect(status?.code).toBe(Code.ALREADY_EXISTS);
    expect(status?.cause).toBeUndefined();
    for (const text of [JSON.stringify(error), String(error), JSON.stringify([status, server.log])]) {
      expect(text.toLowerCase()).not.toContain(mail.toLowerCase());
    }
  });
});

describe("GetUser", () => {
  test("returns the fields of the mask", async () => {
    const { userId, email: mail } = await register({ profile: { phone: "+442071838750", locale: "en" } });
    expect(await get({ userId, readMask: ["email", "profile.phone"] })).toEqual(
      User.fromPartial({ email: mail, profile: { phone: "+442071838750" } }),
    );
    expect((await get({ userId, readMask: ["*"] })).userId).toBe(userId);
  });

  test("names a path that it does not know", async () => {
    await expect(get({ userId: newId(), readMask: ["email", "pin"] })).rejects.toMatchObject(
      violates(Code.INVALID_ARGUMENT, "read_mask", "field_mask.unknown_path"),
    );
  });

  test("of an unknown user is NOT_FOUND", async () => {
    const userId = newId();
    await expect(get({ userId })).rejects.toMatchObject({
      code: Code.NOT_FOUND,
      reason: "NOT_FOUND",
      details: { resourceInfo: { resourceType: "ecommerce.v1.User", resourceName: userId } },
    });
  });

  test("is for the user itself and for readers of users, who alone see it when it is deleted", async () => {
    const { userId } = await register();
    const [owner, reader, other] = [as(userId), as(newId(), ["users.read"]), as(newId(), ["users.write"])];
    expect((await get({ userId }, owner)).userId).toBe(userId);
    await expect(get({ userId }, other)).rejects.toMatchObject({ code: Code.PERMISSION_DENIED });
    await client.deleteUser({ userId, etag: "" }, owner);
    await expect(get({ userId }, owner)).rejects.toMatchObject({ code: Code.NOT_FOUND });
    expect((await get({ userId }, reader)).state).toBe(UserState.USER_STATE_DELETED);
  });

  test("reads by one prepared statement with the primary key", async () => {
    const { userId } = await register();
    const before = database.statements();
    await get({ userId });
    expect(database.statements() - before).toBe(1);
    const { rows } = await sql<{ "QUERY PLAN": string }>`explain select email from users.users
      where user_id = ${userId}`.execute(database.queries);
    expect(rows.map((row) => row["QUERY PLAN"]).join("\n")).toContain("users_pkey");
  });
});

describe("UpdateUser", () => {
  test("changes the fields of the mask, and the etag and time with them", async () => {
    const user = await register({ profile: { givenName: "Ada", addresses: [address] } });
    const { userId, etag } = user;
    const mail = email();
    const patch = { userId, etag, email: mail, profile: { givenName: "Grace", phone: "+442071838750" } };
    const updated = await update({ user: patch, updateMask: ["email", "profile.phone"] });
    expect(updated).toEqual({
      ...user,
      email: mail,
      profile: { ...user.profile, phone: "+442071838750" },
      etag: expect.not.stringMatching(etag),
      updateTime: expect.any(Date),
    });
    expect(await get({ userId })).toEqual(updated);
  });

  test("without a mask changes what is populated, and with * everything", async () => {
    const user = await register({ profile: { givenName: "Ada", addresses: [address] } });
    const { userId } = user;
    const populated = await update({ user: { userId, profile: { familyName: "King" } } });
    expect(populated.profile).toEqual({ ...user.profile, familyName: "King" });
    const replaced = await update({
      user: { userId, email: user.email, roles: ["customer"] },
      updateMask: ["*"],
    });
    expect(replaced).toMatchObject({ email: user.email, roles: ["customer"], profile: undefined });
  });

  test("that changes nothing keeps the etag", async () => {
    const user = await register({ profile: { givenName: "Ada" } });
    const { userId } = user;
    expect(await update({ user: { userId, profile: { givenName: "Ada" } } })).toEqual(user);
  });

  test("by many with one etag lets exactly one win", async () => {
    const { userId, etag } = await register();
    const tries = await Promise.allSettled(
      Array.from({ length: 6 }, (_, n) => update({ user: { userId, etag, profile: { givenName: `${n}` } } })),
    );
    const lost = tries.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
    expect(lost).toHaveLength(5);
    for (const { reason } of lost) {
      expect(reason).toMatchObject({ code: Code.ABORTED, reason: "ETAG_MISMATCH" });
    }
  });

  test("by many of different fields loses none", async () => {
    const { userId } = await register();
    const names = ["displayName", "givenName", "familyName"];
    await Promise.all(names.map((name) => update({ user: { userId, profile: { [name]: name } } })));
    expect((await get({ userId })).profile).toMatchObject({
      displayName: "displayName",
      givenName: "givenName",
      familyName: "familyName",
    });
  });

  test("to the address of another user is refused, but to its own in other letters is not", async () => {
    const [{ userId }, other] = [await register({ email: email() }), await register()];
    await expect(update({ user: { userId, email: other.email.toUpperCase() } })).rejects.toMatchObject({
      ...violates(Code.ALREADY_EXISTS, "user.email", "user.email_taken"),
      reason: "EMAIL_TAKEN",
    });
    const { email: mail } = await get({ userId });
    expect((await update({ user: { userId, email: mail.toUpperCase() } })).email).toBe(mail.toUpperCase());
  });

  test("of roles needs a permission of its own, unless they stay the same", async () => {
    const { userId, email: mail } = await register({ roles: ["customer", "admin"] });
    const [owner, writer] = [as(userId), as(newId(), ["users.write"])];
    const denied = { code: Code.PERMISSION_DENIED, reason: "PERMISSION_MISSING" };
    const roles = ["support_agent"];
    await expect(update({ user: { userId, roles } }, owner)).rejects.toMatchObject(denied);
    await expect(update({ user: { userId, roles } }, writer)).rejects.toMatchObject(denied);
    await expect(update({ user: { userId }, updateMask: ["roles"] }, owner)).rejects.toMatchObject(denied);
    const same = { userId, email: mail, roles: ["admin", "customer"] };
    expect((await update({ user: same, updateMask: ["*"] }, owner)).roles).toEqual(same.roles);
    const before = audit.lines().length;
    const requestId = newId();
    expect((await update({ user: { userId, roles }, requestId })).roles).toEqual(roles);
    expect((await update({ user: { userId, roles }, requestId })).roles).toEqual(roles);
    const told = { event: "roles_changed", outcome: "ok", userId, roles, address: "127.0.0.1" };
    expect(audit.lines().slice(before)).toMatchObject([told]);
    await expect(update({ user: { userId, roles: ["king"] } })).rejects.toMatchObject(
      violates(Code.INVALID_ARGUMENT, "user.roles[0]", "user.unknown_role"),
    );
  });

  test("refuses paths that are unknown or not the caller's to change", async () => {
    const { userId } = await register();
    for (const path of ["state", "etag", "pin", "profile.pin"]) {
      await expect(update({ user: { userId }, updateMask: [path] })).rejects.toMatchObject({
        code: Code.INVALID_ARGUMENT,
        details: { badRequest: { fieldViolations: [{ field: expect.stringContaining("update_mask") }] } },
      });
    }
  });

  test("of an unknown or deleted user is NOT_FOUND", async () => {
    const { userId } = await register();
    await client.deleteUser({ userId, etag: "" }, admin);
    for (const id of [userId, newId()]) {
      await expect(update({ user: { userId: id, profile: { locale: "en" } } })).rejects.toMatchObject({
        code: Code.NOT_FOUND,
      });
    }
  });

  test("with a request id is done once, and repeated with its old etag gets the first answer", async () => {
    const { userId, etag } = await register();
    const request = { user: { userId, etag, profile: { givenName: "Ada" } }, requestId: newId() };
    const first = await update(request);
    expect(await update(request)).toEqual(first);
    await expect(update({ ...request, requestId: newId() })).rejects.toMatchObject({ code: Code.ABORTED });
  });
});

describe("BatchGetUsers", () => {
  test("answers in the order of the request, each user for itself", async () => {
    const [one, two, three] = [await register(), await register(), await register()];
    await client.deleteUser({ userId: two.userId, etag: "" }, admin);
    const unknown = newId();
    const results = await batchGet({
      userIds: [three.userId.toUpperCase(), unknown, one.userId, two.userId],
      readMask: ["user_id"],
    });
    expect(results.map(({ userId }) => userId)).toEqual([
      three.userId.toUpperCase(),
      unknown,
      one.userId,
      two.userId,
    ]);
    const user = (userId: string) => ({ $case: "user", value: User.fromPartial({ userId }) });
    expect(results.map(({ result }) => result)).toEqual([
      user(three.userId),
      { $case: "error", value: expect.objectContaining({ code: Code.NOT_FOUND }) },
      user(one.userId),
      user(two.userId),
    ]);
  });

  test("finds by e-mail address who is not deleted, and names no address in an error", async () => {
    const [one, two] = [await register({ email: email() }), await register({ email: email() })];
    await client.deleteUser({ userId: two.userId, etag: "" }, admin);
    const emails = [two.email, one.email.toUpperCase()];
    const results = await batchGet({ userIds: [one.userId], emails });
    expect(results).toMatchObject([
      { userId: one.userId, email: "", result: { $case: "user", value: one } },
      { userId: "", email: two.email, result: { $case: "error", value: { code: Code.NOT_FOUND } } },
      { userId: "", email: emails[1], result: { $case: "user", value: one } },
    ]);
    expect(JSON.stringify(results[1]?.result).toLowerCase()).not.toContain(two.email.toLowerCase());
  });

  test("is for readers of users", async () => {
    const { userId } = await register();
    await expect(
      client.batchGetUsers(BatchGetUsersRequest.fromPartial({ userIds: [userId] }), as(userId)),
    ).rejects.toMatchObject({ code: Code.PERMISSION_DENIED });
  });
});

test("without authentication anyone may do everything", async () => {
  const roles = ["admin"];
  const { user } = await open.client.createUser(
    CreateUserRequest.fromPartial({ user: { email: email(), roles } }),
  );
  const { userId } = given(user);
  await open.client.updateUser(UpdateUserRequest.fromPartial({ user: { userId, roles: ["support_agent"] } }));
  await open.client.deleteUser({ userId, etag: "" });
  const seen = await open.client.getUser({ userId, readMask: undefined });
  expect(seen.user).toMatchObject({ roles: ["support_agent"], state: UserState.USER_STATE_DELETED });
});
