// Sessions in PostgreSQL. A session that is there is open. Every change is made under the lock of its account, so that of two refreshes
// with one token, and of a refresh and the end of its session, one comes first.
import { sql, type Transaction } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { type LockedAccount, lockAccount } from "./account-store.ts";
import type { AuthTables } from "./auth-tables.ts";
import { newRefreshToken, refreshTokenHash } from "./refresh-token.ts";
import type { Revocations } from "./revocations.ts";

export interface NewSession {
  readonly sessionId: string;
  readonly userId: string;
  readonly deviceLabel: string;
  /** The account's when the user was read: with another one nothing is opened. */
  readonly epoch: bigint;
}

/** What the tokens are made of that a session is given. */
export interface Issue {
  readonly sessionId: string;
  readonly userId: string;
  readonly issueTime: Date;
  readonly refreshToken: string;
  readonly refreshExpireTime: Date;
}

/** A session as found by one of its refresh tokens. */
export interface FoundSession {
  readonly sessionId: string;
  readonly userId: string;
  /** Of the user's account. */
  readonly epoch: bigint;
}

/** "changed" as in `Rotation`; "full" when the user has as many sessions as one may. */
export type Opening = Issue | "changed" | "full";

/** "changed" is that the account is no longer what it was: what was read of the user may not be true. */
export type Rotation = Issue | "invalid" | "reused" | "changed";

export interface SessionStore {
  /** Sessions that a user may have at a time. */
  readonly maxPerUser: number;
  open(session: NewSession, signal: AbortSignal): Promise<Opening>;
  /** Undefined for a token that is not of an open session; a used one is. */
  find(refreshToken: string, signal: AbortSignal): Promise<FoundSession | undefined>;
  /** Uses the token up for a new one. One that was used before ends its session. */
  rotate(refreshToken: string, found: FoundSession, signal: AbortSignal): Promise<Rotation>;
  /** Ends a session; without effect on one that is not open. */
  end(session: Pick<FoundSession, "sessionId" | "userId">, signal: AbortSignal): Promise<void>;
  /** Forgets sessions and tokens whose time is over; how many. */
  purge(signal: AbortSignal): Promise<number>;
}

export interface SessionStoreOptions {
  readonly database: Database<unknown>;
  readonly revocations: Revocations;
  readonly clock: Clock;
  /** How long a session lasts that is not gone on with. */
  readonly refreshTokenMs: number;
  /** Sessions that a user may have at a time. */
  readonly maxPerUser: number;
}

export function createSessionStore(options: SessionStoreOptions): SessionStore {
  const { revocations, clock, refreshTokenMs, maxPerUser } = options;
  const sessions = options.database.typed<AuthTables>();
  const { queries } = sessions;
  const now = (): Date => new Date(clock.now());

  const issue = (account: LockedAccount, sessionId: string, userId: string): Issue => {
    const nowMs = clock.now();
    return {
      sessionId,
      userId,
      // Never before what revoked the tokens before it, whatever the clocks say.
      issueTime: new Date(Math.max(nowMs, account.revokeTime?.getTime() ?? 0)),
      refreshToken: newRefreshToken(),
      refreshExpireTime: new Date(nowMs + refreshTokenMs),
    };
  };
  const keepToken = async (transaction: Transaction<AuthTables>, issued: Issue): Promise<void> => {
    await transaction
      .insertInto("auth.refresh_tokens")
      .values({
        token_hash: refreshTokenHash(issued.refreshToken),
        session_id: issued.sessionId,
        expire_time: issued.refreshExpireTime,
      })
      .execute();
  };
  const remove = async (transaction: Transaction<AuthTables>, sessionId: string): Promise<boolean> => {
    const { numDeletedRows } = await transaction
      .deleteFrom("auth.sessions")
      .where("session_id", "=", sessionId)
      .executeTakeFirst();
    if (numDeletedRows === 0n) return false;
    await revocations.revoke(transaction, { $case: "sessionId", value: sessionId }, now());
    return true;
  };

  const isFull = async (transaction: Transaction<AuthTables>, userId: string): Promise<boolean> => {
    const beyond = await transaction
      .selectFrom("auth.sessions")
      .select("session_id")
      .where("user_id", "=", userId)
      .where("expire_time", ">", now())
      .offset(maxPerUser - 1)
      .limit(1)
      .executeTakeFirst();
    return beyond !== undefined;
  };

  return {
    maxPerUser,
    open: ({ sessionId, userId, deviceLabel, epoch }, signal) =>
      inTransaction<AuthTables, Opening>(
        sessions,
        async (transaction) => {
          const account = await lockAccount(transaction, userId, clock);
          if (account.epoch !== epoch) return "changed";
          if (await isFull(transaction, userId)) return "full";
          const issued = issue(account, sessionId, userId);
          const { issueTime, refreshExpireTime } = issued;
          await transaction
            .insertInto("auth.sessions")
            .values({
              session_id: sessionId,
              user_id: userId,
              device_label: deviceLabel,
              create_time: now(),
              issue_time: issueTime,
              expire_time: refreshExpireTime,
            })
            .execute();
          await keepToken(transaction, issued);
          // Who has logged in exists.
          await transaction
            .updateTable("auth.accounts")
            .set({ confirmed: true })
            .where("user_id", "=", userId)
            .where(sql<boolean>`not confirmed`)
            .execute();
          return issued;
        },
        { signal },
      ),

    async find(refreshToken, signal) {
      const { rows } = await sql<{
        readonly session_id: string;
        readonly user_id: string;
        readonly epoch: bigint | null;
      }>`
        select session.session_id, session.user_id, account.epoch
        from auth.refresh_tokens as token
        join auth.sessions as session using (session_id)
        left join auth.accounts as account using (user_id)
        where token.token_hash = ${refreshTokenHash(refreshToken)} and token.expire_time > ${now()}`.execute(
        queries,
        { signal },
      );
      const [row] = rows;
      if (row === undefined) return undefined;
      return { sessionId: row.session_id, userId: row.user_id, epoch: row.epoch ?? 0n };
    },

    async rotate(refreshToken, { userId, sessionId, epoch }, signal) {
      const rotation = await inTransaction<AuthTables, Rotation>(
        sessions,
        async (transaction) => {
          const account = await lockAccount(transaction, userId, clock);
          const token = await transaction
            .selectFrom("auth.refresh_tokens")
            .select("used")
            .where("token_hash", "=", refreshTokenHash(refreshToken))
            .executeTakeFirst();
          if (token === undefined) return "invalid";
          if (token.used) {
            await remove(transaction, sessionId);
            return "reused";
          }
          if (account.epoch !== epoch) return "changed";
          const issued = issue(account, sessionId, userId);
          await transaction
            .updateTable("auth.refresh_tokens")
            .set({ used: true })
            .where("token_hash", "=", refreshTokenHash(refreshToken))
            .execute();
          await transaction
            .updateTable("auth.sessions")
            .set({ issue_time: issued.issueTime, expire_time: issued.refreshExpireTime })
            .where("session_id", "=", sessionId)
            .execute();
          await keepToken(transaction, issued);
          return issued;
        },
        { signal },
      );
      if (rotation === "reused") revocations.committed();
      return rotation;
    },

    async end({ sessionId, userId }, signal) {
      const ended = await inTransaction(
        sessions,
        async (transaction) => {
          await lockAccount(transaction, userId, clock);
          return await remove(transaction, sessionId);
        },
        { signal },
      );
      if (ended) revocations.committed();
    },

    async purge(signal) {
      const ended = await queries
        .deleteFrom("auth.sessions")
        .where("expire_time", "<=", now())
        .executeTakeFirst({ signal });
      const spent = await queries
        .deleteFrom("auth.refresh_tokens")
        .where("expire_time", "<=", now())
        .executeTakeFirst({ signal });
      return Number(ended.numDeletedRows + spent.numDeletedRows);
    },
  };
}
