// Login, Refresh and Logout, each as its steps. What was read of the user counts only while its account is as it was before the reading:
// a session never rests on roles or a state that were revoked meanwhile.
import type { PasswordHasher } from "#impl/auth/password-hash.ts";
import type { Audit } from "#impl/observability/audit.ts";
import type { Call } from "#impl/runtime/call.ts";
import { addressOf } from "#impl/runtime/caller-address.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import { RpcError, unavailable } from "#impl/runtime/rpc-error.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import { Code } from "#impl/runtime/status.ts";
import type {
  AuthServiceDefinition,
  LoginRequest,
  LoginResponse,
  LogoutRequest,
  LogoutResponse,
  RefreshRequest,
  RefreshResponse,
} from "#proto/ecommerce/v1/auth.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import type { Account, AccountStore } from "./account-store.ts";
import { type AccountUser, type AccountUsers, canLogIn } from "./account-users.ts";
import type { Attempts } from "./attempt-limits.ts";
import { loginRefused, refreshRefused, tooManySessions } from "./auth-errors.ts";
import type { Issue, SessionStore } from "./session-store.ts";
import type { TokenIssuer } from "./token-issuer.ts";

export interface SessionNeeds {
  readonly accounts: AccountStore;
  readonly sessions: SessionStore;
  readonly users: AccountUsers;
  readonly attempts: Attempts;
  readonly hasher: PasswordHasher;
  readonly issueTokens: TokenIssuer;
  readonly audit: Audit;
  readonly newId: NewId;
}

/** An account may change while a session is opened or gone on with; not again and again. */
const TRIES = 3;
const CHANGED_RETRY_DELAY_MS = 100;
/** No user has it: with it, as much is looked up for unknown users as for known ones. */
const NOBODY = "00000000-0000-0000-0000-000000000000";

type SessionHandlers = Pick<HandlersOf<AuthServiceDefinition>, "login" | "refresh" | "logout">;

export function createSessionMethods(needs: SessionNeeds): SessionHandlers {
  return {
    login: (request, call) => login(needs, request, call),
    refresh: (request, call) => refresh(needs, request, call),
    logout: (request, call) => logout(needs, request, call),
  };
}

async function login(
  needs: SessionNeeds,
  { email, password, deviceLabel }: LoginRequest,
  call: Call,
): Promise<LoginResponse> {
  const { attempts, audit, users, accounts, issueTokens } = needs;
  const { signal } = call;
  requireStorableText({ deviceLabel }, "");
  const told = { event: "login", credential: "password" } as const;
  const counted = await attempts
    .begin({ account: email.toLowerCase(), address: addressOf(call.peer) }, signal)
    .catch((error: unknown) => {
      const throttled = error instanceof RpcError && error.code === Code.RESOURCE_EXHAUSTED;
      if (throttled) audit.record({ ...told, outcome: "throttled", reason: error.reason }, call);
      throw error;
    });
  const undecided = async (error: unknown): Promise<never> => {
    if (!signal.aborted) await counted.undecided(signal);
    throw error;
  };
  const named = await users.findByEmail(email, call).catch(undecided);
  const account = await accounts.find(named?.userId ?? NOBODY, signal);
  const right = await isRight(needs, named?.userId, account, password, signal).catch(undecided);
  const opened =
    named === undefined || !right ? undefined : await open(needs, named, deviceLabel, call).catch(undecided);
  const concerned = named === undefined ? {} : { userId: named.userId };
  if (opened === undefined) {
    audit.record({ ...told, ...concerned, outcome: "failed", reason: "LOGIN_REFUSED" }, call);
    throw loginRefused();
  }
  await counted.succeeded(signal);
  const { issue, user } = opened;
  const tokens = await issueTokens(issue, user, signal);
  audit.record({ ...told, ...concerned, outcome: "ok", sessionId: issue.sessionId }, call);
  return { userId: issue.userId, tokens };
}

/** The work is the same for accounts that have no password or are unknown. */
async function isRight(
  { accounts, hasher }: Pick<SessionNeeds, "accounts" | "hasher">,
  userId: string | undefined,
  { passwordHash }: Account,
  password: string,
  signal: AbortSignal,
): Promise<boolean> {
  const verdict = await hasher.verify(password, passwordHash, signal);
  if (verdict === "outdated" && userId !== undefined && passwordHash !== undefined) {
    await accounts.rehash(userId, passwordHash, await hasher.hash(password, signal), signal);
  }
  return verdict !== "wrong";
}

interface Opened {
  readonly issue: Issue;
  readonly user: AccountUser;
}

/** Undefined for a user that cannot log in, or has another address by now. Throws RESOURCE_EXHAUSTED when there are too many sessions. */
async function open(
  { accounts, users, sessions, audit, newId }: SessionNeeds,
  named: AccountUser,
  deviceLabel: string,
  call: Call,
): Promise<Opened | undefined> {
  const { userId } = named;
  for (let tries = 0; tries < TRIES; tries++) {
    const { epoch } = await accounts.find(userId, call.signal);
    const user = await users.find(userId, call);
    if (user === undefined || !canLogIn(user) || user.email !== named.email) return undefined;
    const issue = await sessions.open({ sessionId: newId(), userId, deviceLabel, epoch }, call.signal);
    if (issue === "full") {
      const error = tooManySessions(sessions.maxPerUser);
      audit.record(
        { event: "login", credential: "password", userId, outcome: "denied", reason: error.reason },
        call,
      );
      throw error;
    }
    if (issue !== "changed") return { issue, user };
  }
  throw accountChanges();
}

async function refresh(
  { sessions, users, issueTokens, audit }: SessionNeeds,
  { refreshToken }: RefreshRequest,
  call: Call,
): Promise<RefreshResponse> {
  const { signal } = call;
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await sessions.find(refreshToken, signal);
    if (found === undefined) {
      audit.record({ event: "token_refreshed", outcome: "failed", reason: "REFRESH_TOKEN_INVALID" }, call);
      throw refreshRefused();
    }
    const { userId, sessionId } = found;
    const concerned = { userId, sessionId };
    // Before the token is used up: where users cannot be looked up, it can be sent again.
    const user = await users.find(userId, call);
    if (user === undefined || !canLogIn(user)) {
      await sessions.end(found, signal);
      audit.record(
        { event: "token_refreshed", ...concerned, outcome: "denied", reason: "USER_INACTIVE" },
        call,
      );
      throw refreshRefused();
    }
    const rotation = await sessions.rotate(refreshToken, found, signal);
    if (rotation === "changed") continue;
    if (rotation === "invalid" || rotation === "reused") {
      const event = rotation === "reused" ? "token_reused" : "token_refreshed";
      audit.record({ event, ...concerned, outcome: "failed", reason: "REFRESH_TOKEN_INVALID" }, call);
      throw refreshRefused();
    }
    const tokens = await issueTokens(rotation, user, signal);
    audit.record({ event: "token_refreshed", ...concerned, outcome: "ok" }, call);
    return { tokens };
  }
  throw accountChanges();
}

async function logout(
  { sessions, accounts, audit }: SessionNeeds,
  { refreshToken, allSessions }: LogoutRequest,
  call: Call,
): Promise<LogoutResponse> {
  const found = await sessions.find(refreshToken, call.signal);
  if (found === undefined) return {};
  const { userId, sessionId } = found;
  if (allSessions) await accounts.revoke(userId, true, call.signal);
  else await sessions.end(found, call.signal);
  audit.record({ event: "logout", outcome: "ok", userId, ...(allSessions ? {} : { sessionId }) }, call);
  return {};
}

function accountChanges(): RpcError {
  return unavailable("ACCOUNT_CHANGING", "the account is being changed", CHANGED_RETRY_DELAY_MS);
}
