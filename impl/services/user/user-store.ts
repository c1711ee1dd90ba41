// Users in PostgreSQL. Reads by id are single prepared statements; a user is changed under a lock on its row, so that the
// rules are checked against what is replaced. A taken e-mail address becomes the service's own error; other failures
// are left as StorageErrors.
import { type Kysely, sql, type Transaction } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import { StorageError } from "#impl/storage/errors.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { createRequestIds, type IdentifiedRequest } from "../shared/request-id.ts";
import { type NewUser, sameRoles, type User, UserState } from "./user.ts";
import { emailTaken } from "./user-errors.ts";
import { preparePages, type UserPage } from "./user-pages.ts";
import { type UserRow, type UserTables, userColumns, userOf, usersSchema } from "./user-tables.ts";

export type UserStoreOptions = {
  readonly clock: Clock;
  /** How long request ids are remembered. Default 24 h, which is also the least. */
  readonly requestIdRetentionMs?: number;
};

export type UserStore = {
  readonly find: (userId: string, signal: AbortSignal) => Promise<User | undefined>;
  /** Those that exist, by id. */
  readonly findAll: (userIds: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, User>>;
  /** Those that exist and are not deleted, by their address in lower case. */
  readonly findAllByEmail: (
    emails: readonly string[],
    signal: AbortSignal,
  ) => Promise<ReadonlyMap<string, User>>;
  readonly page: (page: UserPage, signal: AbortSignal) => Promise<readonly User[]>;
  /** Runs `work` in a transaction. It may run more than once, of which one is committed. */
  readonly write: <R>(signal: AbortSignal, work: (writer: UserWriter) => Promise<R>) => Promise<R>;
  /** The same, and only if the request is not a repeat. */
  readonly writeOnce: <R>(
    request: IdentifiedRequest<R>,
    work: (writer: UserWriter) => Promise<R>,
  ) => Promise<R>;
  /** Users whose credentials must be revoked: this one, or all, a batch at a time. */
  readonly dueRevocations: (
    userId: string | undefined,
    signal: AbortSignal,
  ) => Promise<readonly DueRevocation[]>;
  /** Nothing is due any more unless the user has changed again. */
  readonly revocationDone: (done: DueRevocation, signal: AbortSignal) => Promise<void>;
  /** Forgets the request ids that are older than the retention; how many. */
  readonly purgeRequestIds: (signal?: AbortSignal) => Promise<number>;
};

/** Each throws EMAIL_TAKEN when the address is that of another user who is not deleted. */
export type UserWriter = {
  readonly insert: (user: NewUser) => Promise<User>;
  /** The user as it is now and stays until the transaction ends, but for what this writer changes. */
  readonly lock: (userId: string) => Promise<User | undefined>;
  readonly update: (locked: User, content: Pick<User, "email" | "profile" | "roles">) => Promise<User>;
  readonly changeState: (locked: User, state: UserState, why: StateChangeReason) => Promise<User>;
};

/** What was issued to the user must count no more. */
export type DueRevocation = {
  readonly userId: string;
  /** The user's, with the change that made it due. */
  readonly version: bigint;
  readonly endSessions: boolean;
};

export type StateChangeReason = { readonly reason: string; readonly changedBy: string | undefined };

export function createUserStore(
  database: Database<unknown>,
  { clock, requestIdRetentionMs }: UserStoreOptions,
): UserStore {
  const users = database.typed<UserTables>();
  const requestIds = createRequestIds(users, {
    schema: usersSchema.schema,
    clock,
    ...(requestIdRetentionMs === undefined ? {} : { retentionMs: requestIdRetentionMs }),
  });
  const writerOf = (transaction: Transaction<UserTables>) => createWriter(transaction, clock);
  return {
    ...prepareFinds(users.queries),
    page: preparePages(users.queries),
    write: (signal, work) => inTransaction(users, (transaction) => work(writerOf(transaction)), { signal }),
    writeOnce: (request, work) => requestIds.once(request, (transaction) => work(writerOf(transaction))),
    async dueRevocations(userId, signal) {
      const due = users.queries
        .selectFrom("users.revocations_due")
        .select(["user_id as userId", "version", "end_sessions as endSessions"])
        .orderBy("user_id")
        .limit(dueAtOnce);
      return await (userId === undefined ? due : due.where("user_id", "=", userId)).execute({ signal });
    },
    async revocationDone({ userId, version }, signal) {
      await users.queries
        .deleteFrom("users.revocations_due")
        .where("user_id", "=", userId)
        .where("version", "=", version)
        .execute({ signal });
    },
    purgeRequestIds: requestIds.purge,
  };
}

const dueAtOnce = 100;

/** Compiled once: building the query costs as much as running it. */
function prepareFinds(queries: Kysely<UserTables>): Pick<UserStore, "find" | "findAll" | "findAllByEmail"> {
  const select = queries.selectFrom("users.users").select(userColumns);
  const byId = select.where("user_id", "=", "").compile();
  const byIds = select.where((eb) => eb("user_id", "=", eb.fn.any(eb.val([""])))).compile();
  const byEmails = select
    .where(sql<boolean>`lower(email) = any(${[""]}) and state <> ${sql.lit(UserState.USER_STATE_DELETED)}`)
    .compile();
  const run = async (query: typeof byId, parameter: unknown, signal: AbortSignal): Promise<UserRow[]> =>
    (await queries.executeQuery<UserRow>({ ...query, parameters: [parameter] }, { signal })).rows;
  return {
    async find(userId, signal) {
      const [row] = await run(byId, userId, signal);
      return row === undefined ? undefined : userOf(row);
    },
    async findAll(userIds, signal) {
      const rows = await run(byIds, userIds, signal);
      return new Map(rows.map((row) => [row.user_id, userOf(row)]));
    },
    async findAllByEmail(emails, signal) {
      const wanted = emails.map((email) => email.toLowerCase());
      const rows = await run(byEmails, wanted, signal);
      return new Map(rows.map((row) => [row.email.toLowerCase(), userOf(row)]));
    },
  };
}

function createWriter(transaction: Transaction<UserTables>, clock: Clock): UserWriter {
  const replace = async (before: User, change: Partial<User>, updateTime: Date): Promise<User> => {
    const after: User = {
      ...before,
      ...change,
      version: before.version + 1n,
      updateTime,
    };
    await transaction
      .updateTable("users.users")
      .set({ ...rowOf(after), version: after.version })
      .where("user_id", "=", after.userId)
      .execute()
      .catch(rethrow);
    return after;
  };
  const owe = async ({ userId, version }: User, endSessions: boolean): Promise<void> => {
    await transaction
      .insertInto("users.revocations_due")
      .values({ user_id: userId, version, end_sessions: endSessions })
      .onConflict((conflict) =>
        conflict.column("user_id").doUpdateSet({
          version,
          end_sessions: sql<boolean>`revocations_due.end_sessions or ${endSessions}`,
        }),
      )
      .execute();
  };
  return {
    async insert(content) {
      const now = new Date(clock.now());
      const user: User = {
        ...content,
        state: UserState.USER_STATE_ACTIVE,
        version: 1n,
        createTime: now,
        updateTime: now,
        deleteTime: undefined,
      };
      await transaction
        .insertInto("users.users")
        .values({ user_id: user.userId, create_time: now, ...rowOf(user) })
        .execute()
        .catch(rethrow);
      return user;
    },
    async lock(userId) {
      const row = await transaction
        .selectFrom("users.users")
        .select(userColumns)
        .where("user_id", "=", userId)
        .forUpdate()
        .executeTakeFirst();
      return row === undefined ? undefined : userOf(row);
    },
    async update(locked, { email, profile, roles }) {
      const user = await replace(locked, { email, profile, roles }, new Date(clock.now()));
      if (!sameRoles(locked.roles, roles)) await owe(user, false);
      return user;
    },
    async changeState(locked, state, { reason, changedBy }) {
      const now = new Date(clock.now());
      const deleteTime = state === UserState.USER_STATE_DELETED ? now : undefined;
      const user = await replace(locked, { state, deleteTime }, now);
      if (state !== UserState.USER_STATE_ACTIVE) await owe(user, true);
      const { userId, version } = user;
      await transaction
        .insertInto("users.state_changes")
        .values({
          user_id: userId,
          version,
          state,
          reason,
          changed_by: changedBy ?? null,
          changed_at: now,
        })
        .execute();
      return user;
    },
  };
}

/** What a change can change. */
function rowOf({ email, profile, roles, state, updateTime, deleteTime }: User) {
  return {
    email,
    profile: profile === undefined ? null : JSON.stringify(profile),
    roles,
    state,
    update_time: updateTime,
    delete_time: deleteTime ?? null,
  };
}

function rethrow(error: unknown): never {
  const taken = error instanceof StorageError && error.constraint === "users_email";
  throw taken ? emailTaken() : error;
}
