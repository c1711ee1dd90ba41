// Refuses an address that has sent too many wrong credentials before they are verified, since verifying costs more than the rest of a call.
// Only failures count, and who was verified before is let through, so that others behind the same address go on. Counted in each process.
import type { Call } from "#impl/runtime/call.ts";
import { addressOf } from "#impl/runtime/caller-address.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { API_KEY, AUTHORIZATION } from "#impl/runtime/principal.ts";
import { Code, type Status } from "#impl/runtime/status.ts";
import type { MemorySpace } from "./buckets.ts";
import { rateLimited } from "./rate-limit.ts";

export interface GuessingOptions {
  /** By address: a token for each wrong credential. */
  readonly failures: MemorySpace;
  /** Whether the call's credentials need no verification. */
  readonly isVerified: (call: Call) => boolean;
  readonly onRefused?: (limit: string) => void;
}

const NAME = "wrong_credentials";
export function guessing({ failures, isVerified, onRefused = () => {} }: GuessingOptions): Link {
  const count = (call: Call, status: Status): void => {
    if (status.code === Code.UNAUTHENTICATED) failures.take(addressOf(call.peer));
  };
  return (_, next) => (call, input) => {
    if (call.metadata.get(AUTHORIZATION) === undefined && call.metadata.get(API_KEY) === undefined) {
      return next(call, input);
    }
    const address = addressOf(call.peer);
    const waitMs = failures.wait(address);
    if (waitMs > 0 && !isVerified(call)) {
      onRefused(NAME);
      throw rateLimited(NAME, `address:${address}`, waitMs);
    }
    call.onFinish(count);
    return next(call, input);
  };
}
