// The errors of credentials. What is wrong with them is not said: who guesses shall learn nothing, not even which accounts exist.
import { RpcError, unauthenticated } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";

/** For unknown accounts, wrong passwords and accounts that cannot log in alike. */
export function loginRefused(): RpcError {
  return unauthenticated("LOGIN_REFUSED", "the e-mail address or the password is not right");
}

/** For unknown, used and expired tokens and for sessions that have ended alike. */
export function refreshRefused(): RpcError {
  return unauthenticated("REFRESH_TOKEN_INVALID", "the refresh token does not work");
}

export function currentPasswordWrong(): RpcError {
  return new RpcError({
    code: Code.PERMISSION_DENIED,
    reason: "CURRENT_PASSWORD_WRONG",
    message: "current_password is not the user's password",
  });
}

/** Said only to who has given the right password. */
export function tooManySessions(limit: number): RpcError {
  return tooManyOf("TOO_MANY_SESSIONS", "sessions", limit, "log out of one, or of all");
}

export function tooManyApiKeys(limit: number): RpcError {
  return tooManyOf("TOO_MANY_API_KEYS", "API keys", limit, "revoke one");
}

/** What does not pass by itself: without a time after which to try again. */
function tooManyOf(reason: string, things: string, limit: number, remedy: string): RpcError {
  const description = `a user has at most ${limit} ${things} at a time: ${remedy}`;
  return new RpcError({
    code: Code.RESOURCE_EXHAUSTED,
    reason,
    message: description,
    values: { limit: String(limit) },
    details: [{ type: "QuotaFailure", violations: [{ subject: `${things} of the user`, description }] }],
  });
}

/** By account, or by address; which of them is not said. */
export function tooManyAttempts(retryDelayMs: number): RpcError {
  const description = "too many wrong passwords";
  return new RpcError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: "TOO_MANY_ATTEMPTS",
    message: "too many wrong passwords were given; wait before the next attempt",
    details: [
      { type: "RetryInfo", delayMs: retryDelayMs },
      { type: "QuotaFailure", violations: [{ subject: "passwords", description }] },
    ],
  });
}
