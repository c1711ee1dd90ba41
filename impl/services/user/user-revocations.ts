// Has the credentials of users revoked whose roles or state changed. What is due was written with the change, so that a process that dies
// leaves it for others; it is done at once where it can be, else soon. Done twice it does no harm.
import type { CallOptions } from "#impl/client/client.ts";
import type { Call } from "#impl/runtime/call.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { type Repeated, repeat } from "#impl/runtime/repeat.ts";
import type { UserCredentials } from "./user-credentials.ts";
import type { DueRevocation, UserStore } from "./user-store.ts";

const LOOKED_FOR_EVERY_MS = 5_000;

export interface UserRevocations {
  /** What is due for a user that was changed. Never rejects: what fails is tried again. */
  now(userId: string, call: Call): Promise<void>;
  /** All that is due; how much. */
  all(signal: AbortSignal): Promise<number>;
}

export interface UserRevocationsOptions {
  readonly store: Pick<UserStore, "dueRevocations" | "revocationDone">;
  readonly credentials: Pick<UserCredentials, "revoke">;
}

export function createUserRevocations({ store, credentials }: UserRevocationsOptions): UserRevocations {
  const perform = async (due: DueRevocation, options: CallOptions, signal: AbortSignal): Promise<void> => {
    await credentials.revoke(due.userId, due.endSessions, options);
    await store.revocationDone(due, signal);
  };
  return {
    async now(userId, call) {
      try {
        for (const due of await store.dueRevocations(userId, call.signal)) {
          await perform(due, { parent: call }, call.signal);
        }
      } catch (error) {
        call.log.warn({ err: error, userId }, "what was issued to a changed user is not revoked yet");
      }
    },
    async all(signal) {
      const due = await store.dueRevocations(undefined, signal);
      for (const one of due) await perform(one, { signal }, signal);
      return due.length;
    },
  };
}

/** Until it is stopped. */
export function startUserRevocations(
  revocations: UserRevocations,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Repeated {
  return repeat("revoke what was issued to changed users", LOOKED_FOR_EVERY_MS, revocations.all, {
    clock,
    log,
  });
}
