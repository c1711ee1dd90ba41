// Accounts in PostgreSQL: the password of a user, and the point before which nothing that was issued to it counts.
import { sql, type Transaction } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import type { AuthTables } from "./auth-tables.ts";
import type { Revocations } from "./revocations.ts";

export interface Account {
  readonly passwordHash: string | undefined;
  /** Grows with every revocation of all that the user holds. 0 for users that are not known yet. */
  readonly epoch: bigint;
}

/** An account as it stays until the transaction ends. */
export interface LockedAccount {
  readonly epoch: bigint;
  readonly revokeTime: Date | undefined;
}

export interface PasswordChange {
  readonly userId: string;
  readonly passwordHash: string;
}

export interface AccountStore {
  find(userId: string, signal: AbortSignal): Promise<Account>;
  /** Replaces a hash by one of the same password; without effect when the password was changed meanwhile. */
  rehash(userId: string, before: string, after: string, signal: AbortSignal): Promise<void>;
  /** Without effect on an account that has a password. */
  setFirstPassword(change: PasswordChange, signal: AbortSignal): Promise<void>;
  /** Sets the password and ends everything that was issued before. */
  setPassword(change: PasswordChange, signal: AbortSignal): Promise<void>;
  /** Ends everything that was issued before but, if they shall go on, the sessions themselves. */
  revoke(userId: string, endSessions: boolean, signal: AbortSignal): Promise<void>;
  /** Up to `limit` users whose password was set before `time`, and who may not exist. */
  unconfirmed(time: Date, limit: number, signal: AbortSignal): Promise<string[]>;
  confirm(userIds: readonly string[], signal: AbortSignal): Promise<void>;
  /** Those that are not confirmed. */
  forget(userIds: readonly string[], signal: AbortSignal): Promise<void>;
}

export interface AccountStoreOptions {
  readonly database: Database<unknown>;
  readonly revocations: Revocations;
  readonly clock: Clock;
}

export function createAccountStore({ database, revocations, clock }: AccountStoreOptions): AccountStore {
  const accounts = database.typed<AuthTables>();
  const { queries } = accounts;
  const revokeAll = async (
    userId: string,
    passwordHash: string | undefined,
    endSessions: boolean,
    signal: AbortSignal,
  ): Promise<void> => {
    await inTransaction(
      accounts,
      async (transaction) => {
        await lockAccount(transaction, userId, clock);
        const revokeTime = await endWhatWasIssued(transaction, userId, endSessions, new Date(clock.now()));
        await transaction
          .updateTable("auth.accounts")
          .set({
            epoch: sql<bigint>`epoch + 1`,
            revoke_time: revokeTime,
            confirmed: true,
            ...(passwordHash === undefined ? {} : { password_hash: passwordHash }),
          })
          .where("user_id", "=", userId)
          .execute();
        await revocations.revoke(transaction, { $case: "userId", value: userId }, revokeTime);
      },
      { signal },
    );
    revocations.committed();
  };
  return {
    async find(userId, signal) {
      const row = await queries
        .selectFrom("auth.accounts")
        .select(["password_hash", "epoch"])
        .where("user_id", "=", userId)
        .executeTakeFirst({ signal });
      return { passwordHash: row?.password_hash ?? undefined, epoch: row?.epoch ?? 0n };
    },
    async rehash(userId, before, after, signal) {
      await queries
        .updateTable("auth.accounts")
        .set({ password_hash: after })
        .where("user_id", "=", userId)
        .where("password_hash", "=", before)
        .execute({ signal });
    },
    async setFirstPassword({ userId, passwordHash }, signal) {
      await queries
        .insertInto("auth.accounts")
        .values({ user_id: userId, password_hash: passwordHash, create_time: new Date(clock.now()) })
        .onConflict((conflict) =>
          conflict
            .column("user_id")
            .doUpdateSet({ password_hash: passwordHash })
            .where("auth.accounts.password_hash", "is", null),
        )
        .execute({ signal });
    },
    setPassword: ({ userId, passwordHash }, signal) => revokeAll(userId, passwordHash, true, signal),
    revoke: (userId, endSessions, signal) => revokeAll(userId, undefined, endSessions, signal),
    async unconfirmed(time, limit, signal) {
      const rows = await queries
        .selectFrom("auth.accounts")
        .select("user_id")
        .where(sql<boolean>`not confirmed`)
        .where("create_time", "<", time)
        .orderBy("create_time")
        .limit(limit)
        .execute({ signal });
      return rows.map(({ user_id }) => user_id);
    },
    async confirm(userIds, signal) {
      await queries
        .updateTable("auth.accounts")
        .set({ confirmed: true })
        .where(sql<boolean>`user_id = any(${userIds}::uuid[])`)
        .execute({ signal });
    },
    async forget(userIds, signal) {
      await queries
        .deleteFrom("auth.accounts")
        .where(sql<boolean>`user_id = any(${userIds}::uuid[]) and not confirmed`)
        .execute({ signal });
    },
  };
}

/** Made where there is none. Whoever changes an account or its sessions takes this lock first. */
export async function lockAccount(
  transaction: Transaction<AuthTables>,
  userId: string,
  clock: Clock,
): Promise<LockedAccount> {
  for (;;) {
    const row = await transaction
      .selectFrom("auth.accounts")
      .select(["epoch", "revoke_time"])
      .where("user_id", "=", userId)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (row !== undefined) return { epoch: row.epoch, revokeTime: row.revoke_time ?? undefined };
    await transaction
      .insertInto("auth.accounts")
      .values({ user_id: userId, create_time: new Date(clock.now()) })
      .onConflict((conflict) => conflict.column("user_id").doNothing())
      .execute();
  }
}

/**
 * The time before which nothing counts: after every token that was issued, whatever the clocks of the processes that issued them said.
 */
async function endWhatWasIssued(
  transaction: Transaction<AuthTables>,
  userId: string,
  endSessions: boolean,
  now: Date,
): Promise<Date> {
  const issued = endSessions
    ? await transaction
        .deleteFrom("auth.sessions")
        .where("user_id", "=", userId)
        .returning("issue_time")
        .execute()
    : await transaction
        .selectFrom("auth.sessions")
        .select("issue_time")
        .where("user_id", "=", userId)
        .execute();
  return new Date(Math.max(now.getTime(), ...issued.map(({ issue_time }) => issue_time.getTime() + 1)));
}
