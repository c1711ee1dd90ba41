// Random lives of an account: what its refresh tokens and access tokens are worth is what a model of a few lines says.
import fc from "fast-check";
import { decodeJwt } from "jose";
import { expect, test } from "vitest";
import { UpdateUserRequest } from "#proto/ecommerce/v1/user.ts";
import { given, REFRESH_TOKEN_MS, startSessions } from "./testing/session-fixture.ts";

const RUNS = 6;
const STEPS = 14;
const fixture = await startSessions({ limits: { byAddress: 1_000_000 } });
const { auth, users, register, verify } = fixture;

/** `session` and `token` count from the first; one that is not there is the last. */
type Step =
  | { readonly do: "login" | "logout all" | "suspend" | "reactivate" | "change roles" | "set password" }
  | { readonly do: "refresh"; readonly session: number; readonly token: number }
  | { readonly do: "logout"; readonly session: number };

const LOGIN: Step = { do: "login" };

interface ModelSession {
  open: boolean;
  /** The last is the one that works. */
  readonly refreshTokens: string[];
  accessToken: string;
  /** Whether the access token was revoked though the session goes on. */
  stale: boolean;
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(LOGIN) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("refresh" as const),
      session: fc.nat(3),
      // Mostly the one that works.
      token: fc.oneof({ weight: 4, arbitrary: fc.constant(99) }, { weight: 1, arbitrary: fc.nat(2) }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("logout" as const), session: fc.nat(3) }) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom("logout all", "suspend", "reactivate", "change roles", "set password" as const)
      .map((name) => ({ do: name }) as Step),
  },
);

class Life {
  readonly sessions: ModelSession[] = [];
  readonly #userId: string;
  readonly #email: string;
  #password: string;
  #active = true;
  #agent = false;
  #passwords = 0;

  constructor(userId: string, email: string, password: string) {
    this.#userId = userId;
    this.#email = email;
    this.#password = password;
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case "login":
        return this.#login();
      case "refresh":
        return this.#refresh(this.sessions[step.session] ?? this.sessions.at(-1), step.token);
      case "logout":
        return this.#logout(this.sessions[step.session] ?? this.sessions.at(-1), false);
      case "logout all":
        return this.#logout(this.sessions.at(-1), true);
      case "suspend":
        if (this.#active) this.#endAll();
        this.#active = false;
        await users.suspendUser({ userId: this.#userId, reason: "" });
        return;
      case "reactivate":
        this.#active = true;
        await users.reactivateUser({ userId: this.#userId });
        return;
      case "change roles": {
        this.#agent = !this.#agent;
        const roles = ["customer", ...(this.#agent ? ["support_agent"] : [])];
        for (const session of this.sessions) session.stale = true;
        const request = { user: { userId: this.#userId, roles }, updateMask: ["roles"] };
        await users.updateUser(UpdateUserRequest.fromPartial(request));
        return;
      }
      case "set password": {
        this.#password = `a new password ${++this.#passwords}`;
        this.#endAll();
        const { accounts, hasher } = fixture.needs;
        const { signal } = new AbortController();
        const passwordHash = await hasher.hash(this.#password, signal);
        await accounts.setPassword({ userId: this.#userId, passwordHash }, signal);
      }
    }
  }

  /** Every access token that was given last for its session. */
  async check(): Promise<void> {
    for (const { open, stale, accessToken } of this.sessions) {
      const wanted = open && !stale ? "accepted" : "TOKEN_REVOKED";
      await expect.poll(() => verdict(accessToken), { interval: 2 }).toBe(wanted);
    }
  }

  async #login(): Promise<void> {
    const answer = await fixture.login(this.#email, this.#password).catch(reasonOf);
    if (typeof answer === "string") {
      expect([this.#active, answer]).toEqual([false, "LOGIN_REFUSED"]);
      return;
    }
    expect(this.#active).toBe(true);
    const { accessToken, refreshToken } = answer.tokens;
    this.sessions.push({ open: true, refreshTokens: [refreshToken], accessToken, stale: false });
  }

  async #refresh(session: ModelSession | undefined, index: number): Promise<void> {
    if (session === undefined) return;
    const { refreshTokens } = session;
    const refreshToken = given(refreshTokens[index] ?? refreshTokens.at(-1));
    const newest = refreshToken === refreshTokens.at(-1);
    const answer = await auth.refresh({ refreshToken }).catch(reasonOf);
    if (session.open && newest) {
      const tokens = given(typeof answer === "string" ? undefined : answer.tokens);
      expect(decodeJwt(tokens.accessToken).sid).toBe(decodeJwt(session.accessToken).sid);
      refreshTokens.push(tokens.refreshToken);
      Object.assign(session, { accessToken: tokens.accessToken, stale: false });
      return;
    }
    expect(answer).toBe("REFRESH_TOKEN_INVALID");
    session.open = false;
  }

  async #logout(session: ModelSession | undefined, allSessions: boolean): Promise<void> {
    if (session === undefined) return;
    await auth.logout({ refreshToken: session.refreshTokens.at(-1) ?? "", allSessions });
    if (allSessions && session.open) this.#endAll();
    session.open = false;
  }

  #endAll(): void {
    for (const session of this.sessions) session.open = false;
  }
}

const verdict = (accessToken: string): Promise<string> =>
  Promise.resolve()
    .then(() => verify(accessToken))
    .then(() => "accepted", reasonOf);

function reasonOf(error: unknown): string {
  if (error instanceof Error && "reason" in error) return String(error.reason);
  throw error;
}

test("tokens are worth what the model says", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: STEPS, maxLength: STEPS }), async (steps) => {
      const { userId, email } = await register();
      const life = new Life(userId, email, "correct horse battery");
      for (const each of [LOGIN, LOGIN, ...steps]) {
        await life.take(each);
        await life.check();
      }
    }),
    // Without shrinking: each life that fails waits for what does not come.
    { numRuns: RUNS, endOnFailure: true },
  );
});

test("nothing is left of sessions whose time is over", async () => {
  const { signal } = new AbortController();
  const { email } = await register();
  await fixture.login(email);
  fixture.pass(REFRESH_TOKEN_MS);
  expect(await fixture.sessions.purge(signal)).toBeGreaterThan(0);
  for (const table of ["auth.sessions", "auth.refresh_tokens"] as const) {
    const rows = await fixture.database
      .typed<Record<string, { session_id: string }>>()
      .queries.selectFrom(table)
      .select("session_id")
      .execute();
    expect(rows).toEqual([]);
  }
});
