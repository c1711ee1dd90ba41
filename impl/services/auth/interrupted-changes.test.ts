// Every change dies between its statements, at each table that it writes: then nothing of it has happened, and it can be made again.
import { sql } from "kysely";
import { expect, test } from "vitest";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { CreateUserRequest, UpdateUserRequest } from "#proto/ecommerce/v1/user.ts";
import { given, PASSWORD, startSessions } from "./testing/session-fixture.ts";

const fixture = await startSessions({ limits: { byAddress: 1_000_000 } });
const { auth, users, database, needs, hasher, register, login } = fixture;
const { signal } = new AbortController();

/** While `work` runs nothing can be inserted into the table. */
async function whileFailing(
  table: string,
  work: () => Promise<unknown>,
  failure: object = { code: Code.INTERNAL },
): Promise<void> {
  const { queries } = database;
  await sql`create function public.fail() returns trigger language plpgsql as
    $$ begin raise exception 'the process dies here'; end $$`.execute(queries);
  await sql`create trigger fail before insert on ${sql.table(table)} execute function public.fail()`.execute(
    queries,
  );
  try {
    await expect(work()).rejects.toMatchObject(failure);
  } finally {
    await sql`drop function public.fail() cascade`.execute(queries);
  }
}

test.each(["users.request_records", "users.users"])(
  "a creation that dies at %s is made by its repeat, password and all",
  async (table) => {
    const [email, requestId] = [`${newId()}@example.com`, newId()];
    const create = () =>
      users.createUser(CreateUserRequest.fromPartial({ user: { email }, password: PASSWORD, requestId }));
    await whileFailing(table, create);
    await expect(login(email)).rejects.toMatchObject({ reason: "LOGIN_REFUSED" });
    const { user } = await create();
    expect((await login(email)).userId).toBe(user?.userId);
  },
);

test.each(["auth.sessions", "auth.refresh_tokens", "auth.known_addresses"])(
  "a login that dies at %s can be made again, though it was right",
  async (table) => {
    const { email } = await register();
    await whileFailing(table, () => login(email));
    await login(email);
  },
);

test("a refresh that dies before its end has not used its token up", async () => {
  const { email } = await register();
  const { refreshToken } = (await login(email)).tokens;
  await whileFailing("auth.refresh_tokens", () => auth.refresh({ refreshToken }));
  const { tokens } = await auth.refresh({ refreshToken });
  await auth.refresh({ refreshToken: given(tokens).refreshToken });
});

test.each(["auth.revocations", "auth.outbox"])(
  "what dies at %s revokes nothing and ends nothing",
  async (table) => {
    const { userId, email } = await register();
    const { refreshToken } = (await login(email)).tokens;
    const passwordHash = await hasher.hash("another horse battery", signal);
    await whileFailing(table, () => auth.logout({ refreshToken, allSessions: false }));
    await whileFailing(table, () => auth.logout({ refreshToken, allSessions: true }));
    await whileFailing(table, () => needs.accounts.setPassword({ userId, passwordHash }, signal), {});
    await auth.refresh({ refreshToken });
    await login(email);
  },
);

test("a thief who is noticed while nothing can be written is noticed again", async () => {
  const { email } = await register();
  const { refreshToken } = (await login(email)).tokens;
  const { tokens } = await auth.refresh({ refreshToken });
  await whileFailing("auth.outbox", () => auth.refresh({ refreshToken }));
  await expect(auth.refresh({ refreshToken })).rejects.toMatchObject({ reason: "REFRESH_TOKEN_INVALID" });
  await expect(auth.refresh({ refreshToken: given(tokens).refreshToken })).rejects.toMatchObject({
    reason: "REFRESH_TOKEN_INVALID",
  });
});

test("roles do not change without the duty to revoke", async () => {
  const { userId, email } = await register();
  const user = { userId, roles: ["support_agent"] };
  const change = () => users.updateUser(UpdateUserRequest.fromPartial({ user, updateMask: ["roles"] }));
  await whileFailing("users.revocations_due", change);
  expect((await fixture.accountUsers.existing([userId], signal)).size).toBe(1);
  expect((await users.getUser({ userId, readMask: undefined })).user?.roles).toEqual(["customer"]);
  // And where AuthService cannot do it now, the change stands and it is done later.
  const { accessToken } = (await login(email)).tokens;
  const { queries } = database;
  await sql`alter table auth.revocations rename to away`.execute(queries);
  await change();
  await sql`alter table auth.away rename to revocations`.execute(queries);
  expect(await fixture.verify(accessToken)).toMatchObject({ roles: ["customer"] });
  expect(await fixture.userRevocations.all(signal)).toBe(1);
  await expect.poll(() => fixture.revocations.revokedAt("userId", userId)).toBeDefined();
  expect(() => fixture.verify(accessToken)).toThrow("was revoked");
});
