import { describe, expect, test } from "vitest";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { CreateUserRequest, UpdateUserRequest } from "#proto/ecommerce/v1/user.ts";
import { bearer, given, PASSWORD, startSessions } from "./testing/session-fixture.ts";
import { forgetUnusedAccounts } from "./unused-accounts.ts";

const fixture = await startSessions({ limits: { byKnownAddress: 4, byAddress: 1_000_000 } });
const { auth, users, hasher, register, login, needs } = fixture;
const { signal } = new AbortController();
const NEW = "staple paper clip pin";

const set = (userId: string, currentPassword: string, newPassword: string, accessToken: string) =>
  auth.setPassword({ userId, currentPassword, newPassword }, bearer(accessToken));
const wrong = { code: Code.PERMISSION_DENIED, reason: "CURRENT_PASSWORD_WRONG" };
const loginRefused = { code: Code.UNAUTHENTICATED, reason: "LOGIN_REFUSED" };

describe("SetPassword", () => {
  test("by the user itself needs the current password, and ends its sessions", async () => {
    const { userId, email } = await register();
    const { tokens } = await login(email);
    await expect(set(userId, "", NEW, tokens.accessToken)).rejects.toMatchObject(wrong);
    await expect(set(userId, "wrong horse battery", NEW, tokens.accessToken)).rejects.toMatchObject(wrong);
    await set(userId, PASSWORD, NEW, tokens.accessToken);
    await expect
      .poll(() => set(userId, PASSWORD, NEW, tokens.accessToken).catch(({ reason }) => reason), {
        interval: 5,
      })
      .toBe("TOKEN_REVOKED");
    const { refreshToken } = tokens;
    await expect(auth.refresh({ refreshToken })).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    await expect(login(email)).rejects.toMatchObject(loginRefused);
    await login(email, NEW);
  });

  test("again with the same words changes nothing", async () => {
    const { userId, email } = await register();
    await login(email);
    await needs.accounts.setPassword({ userId, passwordHash: await hasher.hash(NEW, signal) }, signal);
    const { tokens } = await login(email, NEW);
    expect(await set(userId, PASSWORD, NEW, tokens.accessToken)).toEqual({});
    await auth.refresh({ refreshToken: tokens.refreshToken });
  });

  test("of another user is not allowed, and with users.write needs no current password", async () => {
    const { userId, email } = await register();
    const { email: eve } = await register();
    const { tokens } = await login(eve);
    await expect(set(userId, PASSWORD, NEW, tokens.accessToken)).rejects.toMatchObject({
      code: Code.PERMISSION_DENIED,
    });
    const { email: admin } = await register({ roles: ["administrator"] });
    const { accessToken } = (await login(admin)).tokens;
    await set(userId, "", NEW, accessToken);
    await login(email, NEW);
    await expect(set(newId(), "", NEW, accessToken)).rejects.toMatchObject({ code: Code.NOT_FOUND });
  });

  test("a thief of a token cannot guess the current password for long", async () => {
    const { userId, email } = await register();
    const { tokens } = await login(email);
    const guess = () => set(userId, "a guess", NEW, tokens.accessToken).catch(({ code }) => code);
    const answers = [];
    for (let n = 0; n < 22; n++) answers.push(await guess());
    expect(answers.slice(0, 20)).toEqual(Array(20).fill(Code.PERMISSION_DENIED));
    expect(answers.slice(20)).toEqual([Code.RESOURCE_EXHAUSTED, Code.RESOURCE_EXHAUSTED]);
  });
});

describe("CreateUser with a password", () => {
  const request = (email: string, password: string, requestId = "") =>
    CreateUserRequest.fromPartial({ user: { email }, password, requestId });

  test("a repeat gets the first answer and sets nothing; with another password it is refused", async () => {
    const [email, requestId] = ["repeat@example.com", newId()];
    const first = await users.createUser(request(email, PASSWORD, requestId));
    const before = hasher.computed;
    expect(await users.createUser(request(email, PASSWORD, requestId))).toEqual(first);
    await expect(users.createUser(request(email, NEW, requestId))).rejects.toMatchObject({
      code: Code.ALREADY_EXISTS,
      reason: "REQUEST_ID_REUSED",
    });
    expect(hasher.computed).toBe(before);
    await login(email);
  });

  test("a repeat does not bring back a password that was changed since", async () => {
    const [email, requestId] = ["late@example.com", newId()];
    const user = given((await users.createUser(request(email, PASSWORD, requestId))).user);
    const passwordHash = await hasher.hash(NEW, signal);
    await needs.accounts.setPassword({ userId: user.userId, passwordHash }, signal);
    await users.createUser(request(email, PASSWORD, requestId));
    await expect(login(email)).rejects.toMatchObject(loginRefused);
    await login(email, NEW);
  });

  test("several at once with one id make one user who can log in", async () => {
    const [email, requestId] = ["atonce@example.com", newId()];
    const made = await Promise.allSettled(
      Array.from({ length: 5 }, () => users.createUser(request(email, PASSWORD, requestId))),
    );
    const ids = made.flatMap((one) => (one.status === "fulfilled" ? [one.value.user?.userId] : []));
    expect(new Set(ids).size).toBe(1);
    expect(made.every(({ status }) => status === "fulfilled")).toBe(true);
    expect((await login(email)).userId).toBe(ids[0]);
  });

  test("of an address that is taken is refused at no cost", async () => {
    const { email } = await register();
    const before = hasher.computed;
    await expect(users.createUser(request(email, NEW))).rejects.toMatchObject({ reason: "EMAIL_TAKEN" });
    expect(hasher.computed).toBe(before);
    await login(email);
  });

  test("the password of a user that was never created is forgotten, and no other is", async () => {
    const { email } = await register();
    const orphan = newId();
    await needs.accounts.setFirstPassword(
      { userId: orphan, passwordHash: await hasher.hash(NEW, signal) },
      signal,
    );
    const forget = () =>
      forgetUnusedAccounts({ accounts: needs.accounts, users: needs.users, clock: fixture.clock }, signal);
    expect(await forget()).toBe(0);
    fixture.pass(3 * 86_400_000);
    expect(await forget()).toBeGreaterThanOrEqual(1);
    expect((await needs.accounts.find(orphan, signal)).passwordHash).toBeUndefined();
    await login(email);
    expect(await forget()).toBe(0);
  });
});

describe("a change of a user", () => {
  test("that nobody could tell AuthService of is told later", async () => {
    const { userId, email } = await register();
    const { tokens } = await login(email);
    await fixture.userStore.write(signal, async (writer) => {
      const user = given(await writer.lock(userId));
      await writer.update(user, { ...user, roles: ["support_agent"] });
    });
    expect(await fixture.verify(tokens.accessToken)).toMatchObject({ roles: ["customer"] });
    expect(await fixture.userRevocations.all(signal)).toBe(1);
    expect(await fixture.userRevocations.all(signal)).toBe(0);
    await expect
      .poll(async () => {
        try {
          return await fixture.verify(tokens.accessToken);
        } catch (error) {
          return (error as { reason: string }).reason;
        }
      })
      .toBe("TOKEN_REVOKED");
  });

  test("of anything but roles and state revokes nothing", async () => {
    const { userId, email } = await register();
    const { tokens } = await login(email);
    const user = { userId, profile: { givenName: "Ann" } };
    await users.updateUser(UpdateUserRequest.fromPartial({ user, updateMask: ["profile.given_name"] }));
    expect(await fixture.userStore.dueRevocations(userId, signal)).toEqual([]);
    await fixture.verify(tokens.accessToken);
  });
});
