// A password is set before its user is created, so that no user is ever without the password it was to have. Where the user then never
// came to be, nobody can log in with it, and it is forgotten after a while.
import type { Clock } from "#impl/runtime/clock.ts";
import type { AccountStore } from "./account-store.ts";
import { type AccountUsers, USERS_AT_ONCE } from "./account-users.ts";

/** Longer than any creation of a user may take or be repeated. */
const UNUSED_FOR_MS = 2 * 86_400_000;

export interface UnusedAccountNeeds {
  readonly accounts: AccountStore;
  readonly users: AccountUsers;
  readonly clock: Clock;
}

/** How many were forgotten. */
export async function forgetUnusedAccounts(
  { accounts, users, clock }: UnusedAccountNeeds,
  signal: AbortSignal,
): Promise<number> {
  const before = new Date(clock.now() - UNUSED_FOR_MS);
  for (let forgotten = 0; ; ) {
    const userIds = await accounts.unconfirmed(before, USERS_AT_ONCE, signal);
    if (userIds.length === 0) return forgotten;
    const existing = await users.existing(userIds, signal);
    const unused = userIds.filter((userId) => !existing.has(userId));
    await accounts.confirm([...existing], signal);
    await accounts.forget(unused, signal);
    forgotten += unused.length;
  }
}
