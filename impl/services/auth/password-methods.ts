// The methods that set passwords and revoke what was issued to a user.
import type { PasswordHasher } from "#impl/auth/password-hash.ts";
import type { Audit } from "#impl/observability/audit.ts";
import type { Call } from "#impl/runtime/call.ts";
import { addressOf } from "#impl/runtime/caller-address.ts";
import { notFound, permissionDenied } from "#impl/runtime/rpc-error.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import type {
  AuthServiceDefinition,
  SetPasswordRequest,
  SetPasswordResponse,
} from "#proto/ecommerce/v1/auth.ts";
import { UserState } from "#proto/ecommerce/v1/user.ts";
import type { AccountStore } from "./account-store.ts";
import type { AccountUsers } from "./account-users.ts";
import type { Attempts } from "./attempt-limits.ts";
import { currentPasswordWrong } from "./auth-errors.ts";

export interface PasswordNeeds {
  readonly accounts: AccountStore;
  readonly users: AccountUsers;
  readonly attempts: Attempts;
  readonly hasher: PasswordHasher;
  readonly audit: Audit;
  /** False only when authentication is switched off, so that nobody is known: then everyone may do everything. */
  readonly accessChecked: boolean;
}

type PasswordHandlers = Pick<
  HandlersOf<AuthServiceDefinition>,
  "setPassword" | "setFirstPassword" | "revokeUser"
>;

const writeUsers = "users.write";

export function createPasswordMethods(needs: PasswordNeeds): PasswordHandlers {
  const { accounts, hasher, audit } = needs;
  return {
    setPassword: (request, call) => setPassword(needs, request, call),
    async setFirstPassword({ userId, password }, call) {
      const { passwordHash } = await accounts.find(userId, call.signal);
      if (passwordHash !== undefined) return {};
      const hash = await hasher.hash(password, call.signal);
      await accounts.setFirstPassword({ userId, passwordHash: hash }, call.signal);
      audit.record({ event: "password_set", outcome: "ok", userId }, call);
      return {};
    },
    async revokeUser({ userId, endSessions }, call) {
      await accounts.revoke(userId, endSessions, call.signal);
      return {};
    },
  };
}

async function setPassword(
  needs: PasswordNeeds,
  request: SetPasswordRequest,
  call: Call,
): Promise<SetPasswordResponse> {
  const { accounts, users, hasher, audit } = needs;
  const { userId, newPassword } = request;
  const user = await users.find(userId, call);
  if (user === undefined || user.state === UserState.USER_STATE_DELETED) {
    throw notFound("ecommerce.v1.User", userId);
  }
  const { passwordHash } = await accounts.find(userId, call.signal);
  if (!mayReplace(needs, call)) {
    // A key is for calls of a program; with a password it would outlive its own end.
    if (call.principal?.apiKeyId !== undefined) throw permissionDenied([writeUsers]);
    if (passwordHash !== undefined && (await isRepeat(needs, passwordHash, request, call))) return {};
  }
  const hash = await hasher.hash(newPassword, call.signal);
  await accounts.setPassword({ userId, passwordHash: hash }, call.signal);
  audit.record({ event: "password_set", outcome: "ok", userId }, call);
  return {};
}

function mayReplace({ accessChecked }: PasswordNeeds, call: Call): boolean {
  return !accessChecked || call.principal?.permissions.has(writeUsers) === true;
}

/**
 * Whether the password is set already, as by the same call before. Throws PERMISSION_DENIED unless it is, or the current password is right;
 * counted like logins, since whoever has a token of the user could guess.
 */
async function isRepeat(
  { attempts, hasher, audit }: PasswordNeeds,
  stored: string,
  { userId, currentPassword, newPassword }: SetPasswordRequest,
  call: Call,
): Promise<boolean> {
  const { signal } = call;
  const counted = await attempts.begin({ account: userId, address: addressOf(call.peer) }, signal);
  const current = await hasher.verify(currentPassword, stored, signal);
  const repeated = current === "wrong" && (await hasher.verify(newPassword, stored, signal)) !== "wrong";
  if (current === "wrong" && !repeated) {
    audit.record(
      { event: "password_set", outcome: "failed", reason: "CURRENT_PASSWORD_WRONG", userId },
      call,
    );
    throw currentPasswordWrong();
  }
  await counted.succeeded(signal);
  return repeated;
}
