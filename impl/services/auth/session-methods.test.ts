import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, test } from "vitest";
import { createPasswordHasher } from "#impl/auth/password-hash.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { DeleteUserRequest, SuspendUserRequest, UpdateUserRequest } from "#proto/ecommerce/v1/user.ts";
import {
  ACCESS_TOKEN_SECONDS,
  bearer,
  CHEAP,
  given,
  PASSWORD,
  REFRESH_TOKEN_MS,
  SESSIONS_PER_USER,
  startSessions,
} from "./testing/session-fixture.ts";

const fixture = await startSessions({ limits: { byAddress: 1_000_000 } });
const { auth, users, database, clock, hasher, register, login, verify } = fixture;

const refresh = async (refreshToken: string) => given((await auth.refresh({ refreshToken })).tokens);
const ask = (accessToken: string, userId: string) =>
  users.getUser({ userId, readMask: undefined }, bearer(accessToken));
/** Why a token is not accepted; undefined when it is. */
const refusal = (accessToken: string): Promise<string | undefined> =>
  Promise.resolve()
    .then(() => verify(accessToken))
    .then(
      () => undefined,
      (error: { reason: string }) => error.reason,
    );
const untilRevoked = (accessToken: string) =>
  expect.poll(() => refusal(accessToken), { interval: 5 }).toBe("TOKEN_REVOKED");

const loginRefused = { code: Code.UNAUTHENTICATED, reason: "LOGIN_REFUSED" };
const refreshRefused = { code: Code.UNAUTHENTICATED, reason: "REFRESH_TOKEN_INVALID" };

describe("Login", () => {
  test("gives tokens that name the user, its session and what it may do, and that calls are made with", async () => {
    const user = await register({ email: "Ann@example.com", roles: ["customer", "support_agent"] });
    const { userId, tokens } = await login("aNN@EXAMPLE.com");
    expect(userId).toBe(user.userId);
    const claims = decodeJwt(tokens.accessToken);
    expect(claims).toMatchObject({
      sub: userId,
      email: "Ann@example.com",
      roles: ["customer", "support_agent"],
      permissions: expect.arrayContaining(["orders.read"]),
      sid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iss: "grpc-ecommerce",
      aud: "grpc-ecommerce",
      exp: Math.floor(claims.iat ?? 0) + ACCESS_TOKEN_SECONDS,
    });
    expect(decodeProtectedHeader(tokens.accessToken)).toMatchObject({ alg: "EdDSA" });
    expect(given(tokens.accessExpireTime).getTime()).toBe((claims.exp ?? 0) * 1_000);
    expect(given(tokens.refreshExpireTime).getTime() - clock.now()).toBeLessThanOrEqual(REFRESH_TOKEN_MS);
    expect((await ask(tokens.accessToken, userId)).user?.userId).toBe(userId);
  });

  test("opens so many sessions of a user at most, and another when one has ended", async () => {
    const { email } = await register();
    const logins = await Promise.allSettled(
      Array.from({ length: SESSIONS_PER_USER + 3 }, () =>
        auth.login({ email, password: PASSWORD, deviceLabel: "" }),
      ),
    );
    const opened = logins.flatMap((outcome) =>
      outcome.status === "fulfilled" ? [given(outcome.value.tokens)] : [],
    );
    const refused = logins.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    expect(opened).toHaveLength(SESSIONS_PER_USER);
    for (const error of refused) {
      expect(error).toMatchObject({
        code: Code.RESOURCE_EXHAUSTED,
        reason: "TOO_MANY_SESSIONS",
        details: {
          errorInfo: { metadata: { limit: String(SESSIONS_PER_USER) } },
          quotaFailure: { violations: [{ subject: "sessions of the user" }] },
        },
      });
    }
    // Sessions that go on are not counted twice, and the refused logins were no wrong passwords.
    const { refreshToken } = await refresh(given(opened[0]).refreshToken);
    await expect(login(email)).rejects.toMatchObject({ reason: "TOO_MANY_SESSIONS" });
    await auth.logout({ refreshToken, allSessions: false });
    await login(email);
    await login((await register()).email);
  });

  test("says the same, after the same work, whatever is wrong", async () => {
    const known = await register();
    const suspended = await register();
    await users.suspendUser(SuspendUserRequest.fromPartial({ userId: suspended.userId }));
    const errors = [];
    for (const [email, password] of [
      [known.email, "wrong horse battery"],
      ["nobody@example.com", PASSWORD],
      [suspended.email, PASSWORD],
    ] as const) {
      const before = hasher.computed;
      errors.push(await login(email, password).catch(({ code, message }) => ({ code, message })));
      expect(hasher.computed - before).toBe(1);
    }
    expect(new Set(errors.map((error) => JSON.stringify(error))).size).toBe(1);
    expect(errors[0]).toMatchObject({ code: Code.UNAUTHENTICATED });
  });

  test("is refused to a deleted user", async () => {
    const { userId, email } = await register();
    await users.deleteUser(DeleteUserRequest.fromPartial({ userId }));
    await expect(login(email)).rejects.toMatchObject(loginRefused);
  });

  test("replaces a hash that was made with other parameters", async () => {
    const { userId, email } = await register();
    const { signal } = new AbortController();
    const stored = async () => given((await fixture.needs.accounts.find(userId, signal)).passwordHash);
    const older = createPasswordHasher({ parameters: { ...CHEAP, memoryKib: 128 } });
    const before = await stored();
    await fixture.needs.accounts.rehash(userId, before, await older.hash(PASSWORD, signal), signal);
    expect(await stored()).toContain("m=128");
    await login(email);
    expect(await stored()).toContain("m=64");
    await login(email);
  });

  test("opens nothing on what was true before a revocation", async () => {
    const { userId } = await register();
    const { signal } = new AbortController();
    const { epoch } = await fixture.needs.accounts.find(userId, signal);
    await fixture.needs.accounts.revoke(userId, true, signal);
    const session = { sessionId: newId(), userId, deviceLabel: "", epoch };
    expect(await fixture.sessions.open(session, signal)).toBe("changed");
  });
});

describe("Refresh", () => {
  test("gives new tokens of the same session with the roles of now", async () => {
    const { userId, email } = await register();
    const first = (await login(email)).tokens;
    const user = { userId, roles: ["support_agent"] };
    await users.updateUser(UpdateUserRequest.fromPartial({ user, updateMask: ["roles"] }));
    await untilRevoked(first.accessToken);
    const second = await refresh(first.refreshToken);
    expect(decodeJwt(second.accessToken)).toMatchObject({
      sid: decodeJwt(first.accessToken).sid,
      roles: ["support_agent"],
      permissions: expect.arrayContaining(["users.read"]),
    });
    expect(await refusal(second.accessToken)).toBeUndefined();
  });

  test("with a token that was used ends the session of both who have it", async () => {
    const { email } = await register();
    const first = (await login(email)).tokens;
    const other = (await login(email)).tokens;
    const second = await refresh(first.refreshToken);
    await expect(refresh(first.refreshToken)).rejects.toMatchObject(refreshRefused);
    await expect(refresh(second.refreshToken)).rejects.toMatchObject(refreshRefused);
    await untilRevoked(second.accessToken);
    await refresh(other.refreshToken);
    expect(fixture.audit.lines().some(({ event }) => event === "token_reused")).toBe(true);
  });

  test("of several at once with one token one is answered, and the session ends", async () => {
    const { email } = await register();
    const { refreshToken } = (await login(email)).tokens;
    const answers = await Promise.allSettled(Array.from({ length: 6 }, () => refresh(refreshToken)));
    const given = answers.filter((answer) => answer.status === "fulfilled");
    expect(given).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === "rejected") expect(answer.reason).toMatchObject(refreshRefused);
    }
    await expect(refresh(given[0]?.value.refreshToken ?? "")).rejects.toMatchObject(refreshRefused);
  });

  test("is refused with what is no token, and after its time", async () => {
    const { email } = await register();
    const { refreshToken } = (await login(email)).tokens;
    await expect(refresh(`${refreshToken}x`)).rejects.toMatchObject(refreshRefused);
    fixture.pass(REFRESH_TOKEN_MS);
    await expect(refresh(refreshToken)).rejects.toMatchObject(refreshRefused);
  });

  test("is refused when the user was suspended, and for good", async () => {
    const { userId, email } = await register();
    const { refreshToken, accessToken } = (await login(email)).tokens;
    await users.suspendUser(SuspendUserRequest.fromPartial({ userId }));
    await untilRevoked(accessToken);
    await users.reactivateUser({ userId });
    await expect(refresh(refreshToken)).rejects.toMatchObject(refreshRefused);
  });
});

describe("Logout", () => {
  test("ends one session or all, and a token that no longer works is fine", async () => {
    const { email } = await register();
    const [one, two, three] = [
      (await login(email)).tokens,
      (await login(email)).tokens,
      (await login(email)).tokens,
    ];
    await auth.logout({ refreshToken: one.refreshToken, allSessions: false });
    await untilRevoked(one.accessToken);
    expect(await refusal(two.accessToken)).toBeUndefined();
    await expect(refresh(one.refreshToken)).rejects.toMatchObject(refreshRefused);
    await auth.logout({ refreshToken: one.refreshToken, allSessions: true });
    expect(await refusal(two.accessToken)).toBeUndefined();
    await auth.logout({ refreshToken: two.refreshToken, allSessions: true });
    await untilRevoked(three.accessToken);
    await expect(refresh(three.refreshToken)).rejects.toMatchObject(refreshRefused);
    expect(await refusal((await login(email)).tokens.accessToken)).toBeUndefined();
  });

  test("a token that was verified and remembered is forgotten", async () => {
    const { userId, email } = await register();
    const { accessToken, refreshToken } = (await login(email)).tokens;
    await ask(accessToken, userId);
    expect(verify(accessToken)).not.toBeInstanceOf(Promise);
    await auth.logout({ refreshToken, allSessions: false });
    await untilRevoked(accessToken);
    await expect(ask(accessToken, userId)).rejects.toMatchObject({ reason: "TOKEN_REVOKED" });
  });
});

test("no table holds a password, a refresh token or a private key, and no line of the log does", async () => {
  const { email } = await register();
  const { refreshToken } = (await login(email)).tokens;
  const kept = await database.queries
    .selectFrom("auth.refresh_tokens" as never)
    .selectAll()
    .execute();
  const said = [JSON.stringify(kept), fixture.audit.text, JSON.stringify(fixture.logged)].join("\n");
  expect(said).not.toContain(refreshToken);
  expect(said).not.toContain(PASSWORD);
  expect(said).not.toContain(email);
});
