// What AuthService does for users: it keeps their passwords, and revokes what was issued to them when their roles or state change.
import { createHmac } from "node:crypto";
import { CallError } from "#impl/client/call-error.ts";
import type { CallOptions, ClientOf } from "#impl/client/client.ts";
import type { Call } from "#impl/runtime/call.ts";
import { unavailable } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import type { AuthServiceDefinition } from "#proto/ecommerce/v1/auth.ts";

export interface UserCredentials {
  /** Before the user exists. Rejects with UNAVAILABLE when it cannot be done now. */
  setFirstPassword(userId: string, password: string, call: Call): Promise<void>;
  /** In place of a password where contents are compared: what is kept of it is of no use without the key of the system. */
  passwordTag(password: string): string;
  revoke(userId: string, endSessions: boolean, options: CallOptions): Promise<void>;
}

export interface UserCredentialsOptions {
  readonly auth: Pick<ClientOf<AuthServiceDefinition>, "setFirstPassword" | "revokeUser">;
  readonly tagKey: Uint8Array;
}

const RETRY_DELAY_MS = 1_000;
const PASSING: ReadonlySet<Code> = new Set([
  Code.UNAVAILABLE,
  Code.DEADLINE_EXCEEDED,
  Code.RESOURCE_EXHAUSTED,
  Code.CANCELLED,
]);

export function createUserCredentials({ auth, tagKey }: UserCredentialsOptions): UserCredentials {
  return {
    async setFirstPassword(userId, password, call) {
      try {
        await auth.setFirstPassword({ userId, password }, { parent: call });
      } catch (error) {
        call.signal.throwIfAborted();
        const passing = error instanceof CallError && PASSING.has(error.code);
        throw passing
          ? unavailable("PASSWORDS_UNAVAILABLE", "no password can be set now", RETRY_DELAY_MS, error)
          : error;
      }
    },
    passwordTag: (password) => createHmac("sha256", tagKey).update(password).digest("base64url"),
    async revoke(userId, endSessions, options) {
      await auth.revokeUser({ userId, endSessions }, options);
    },
  };
}
