// API keys in PostgreSQL. A key is changed under a lock on its row.
import { type RawBuilder, sql, type Transaction } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { lockAccount } from "./account-store.ts";
import type { ApiKey, SecretRecord } from "./api-key.ts";
import type { AuthTables } from "./auth-tables.ts";
import type { Revocations } from "./revocations.ts";

/** To which the time of the last use is rounded down, so that it is written at most once in it. */
export const LAST_USE_STEP_MS = 60_000;

export interface ApiKeyStore {
  find(apiKeyId: string, signal: AbortSignal): Promise<ApiKey | undefined>;
  /** The latest first. */
  page(page: ApiKeyPage, signal: AbortSignal): Promise<readonly ApiKey[]>;
  /** Keys in force that a user may have at a time. */
  readonly maxPerUser: number;
  /** Undefined when the user has as many keys in force as one may. */
  insert(key: NewApiKey, signal: AbortSignal): Promise<ApiKey | undefined>;
  /** Runs `work` in a transaction. It may run more than once, of which one is committed. */
  change<R>(signal: AbortSignal, work: (writer: ApiKeyWriter) => Promise<R>): Promise<R>;
  /** Notes a use, at most once in LAST_USE_STEP_MS. */
  noteUse(key: ApiKey, now: Date, signal: AbortSignal): Promise<void>;
}

export interface ApiKeyPage {
  readonly userId: string;
  /** Undefined: those that are expired or revoked too. */
  readonly activeAt: Date | undefined;
  /** Undefined means from the start. */
  readonly before: string | undefined;
  readonly limit: number;
}

export type NewApiKey = Pick<
  ApiKey,
  "apiKeyId" | "userId" | "displayName" | "scopes" | "secret" | "createTime" | "expireTime"
>;

/** Both end what was verified for the key so far. */
export interface ApiKeyWriter {
  /** The key as it is now and stays until the transaction ends, but for what this writer changes. */
  lock(apiKeyId: string): Promise<ApiKey | undefined>;
  rotate(locked: ApiKey, secret: SecretRecord, now: Date, previousExpires: Date): Promise<ApiKey>;
  revoke(locked: ApiKey, now: Date): Promise<ApiKey>;
}

interface Row {
  readonly api_key_id: string;
  readonly user_id: string;
  readonly display_name: string;
  readonly scopes: readonly string[];
  readonly secret_prefix: string;
  readonly secret_hash: Buffer;
  readonly previous_secret_hash: Buffer | null;
  readonly previous_secret_expire_time: Date | null;
  readonly create_time: Date;
  readonly expire_time: Date | null;
  readonly revoke_time: Date | null;
  readonly last_use_time: Date | null;
}

const COLUMNS = sql.raw(
  "api_key_id, user_id, display_name, scopes, secret_prefix, secret_hash, previous_secret_hash, " +
    "previous_secret_expire_time, create_time, expire_time, revoke_time, last_use_time",
);

export interface ApiKeyStoreOptions {
  readonly database: Database<unknown>;
  readonly revocations: Revocations;
  readonly clock: Clock;
  /** Keys in force that a user may have at a time. */
  readonly maxPerUser: number;
}

export function createApiKeyStore(options: ApiKeyStoreOptions): ApiKeyStore {
  const { database, revocations, clock, maxPerUser } = options;
  const { queries } = database;
  const select = async (condition: RawBuilder<unknown>, signal: AbortSignal): Promise<ApiKey[]> => {
    const query = sql<Row>`select ${COLUMNS} from auth.api_keys ${condition}`;
    return (await query.execute(queries, { signal })).rows.map(keyOf);
  };
  return {
    maxPerUser,
    async find(apiKeyId, signal) {
      const [found] = await select(sql`where api_key_id = ${apiKeyId}`, signal);
      return found;
    },
    page({ userId, activeAt, before, limit }, signal) {
      const active = activeAt === undefined ? sql`` : sql`and ${inForce(activeAt)}`;
      const rest = before === undefined ? sql`` : sql`and api_key_id < ${before}`;
      return select(
        sql`where user_id = ${userId} ${active} ${rest} order by api_key_id desc limit ${limit}`,
        signal,
      );
    },
    insert: (key, signal) =>
      inTransaction(
        database.typed<AuthTables>(),
        async (transaction) => {
          // Of two that are made at once, one counts the other.
          await lockAccount(transaction, key.userId, clock);
          const { rows } = await sql<Row>`
            insert into auth.api_keys
              (api_key_id, user_id, display_name, scopes, secret_prefix, secret_hash, create_time, expire_time)
            select ${key.apiKeyId}::uuid, ${key.userId}::uuid, ${key.displayName}, ${key.scopes}::text[],
              ${key.secret.prefix}, ${key.secret.hash}::bytea, ${key.createTime}::timestamptz,
              ${key.expireTime ?? null}::timestamptz
            where (select count(*) from auth.api_keys
              where user_id = ${key.userId} and ${inForce(key.createTime)}) < ${maxPerUser}
            returning ${COLUMNS}`.execute(transaction);
          return rows.map(keyOf)[0];
        },
        { signal },
      ),
    async change(signal, work) {
      const result = await inTransaction(
        database,
        (transaction) => work(createWriter(transaction, revocations)),
        { signal },
      );
      revocations.committed();
      return result;
    },
    async noteUse({ apiKeyId, lastUseTime }, now, signal) {
      const use = new Date(now.getTime() - (now.getTime() % LAST_USE_STEP_MS));
      if (lastUseTime !== undefined && lastUseTime >= use) return;
      await sql`update auth.api_keys set last_use_time = ${use}
        where api_key_id = ${apiKeyId} and (last_use_time is null or last_use_time < ${use})`.execute(
        queries,
        { signal },
      );
    },
  };
}

function inForce(at: Date): RawBuilder<unknown> {
  return sql`revoke_time is null and (expire_time is null or expire_time > ${at})`;
}

function createWriter(transaction: Transaction<unknown>, revocations: Revocations): ApiKeyWriter {
  const revokeWhatWasVerified = ({ apiKeyId: value }: ApiKey, now: Date): Promise<void> =>
    revocations.revoke(transaction, { $case: "apiKeyId", value }, now);
  return {
    async lock(apiKeyId) {
      const { rows } = await sql<Row>`select ${COLUMNS} from auth.api_keys
        where api_key_id = ${apiKeyId} for update`.execute(transaction);
      return rows.map(keyOf)[0];
    },
    async rotate(locked, { prefix, hash }, now, previousExpires) {
      const { rows } = await sql<Row>`
        update auth.api_keys set previous_secret_hash = secret_hash, secret_hash = ${hash},
          secret_prefix = ${prefix}, previous_secret_expire_time = ${previousExpires}
        where api_key_id = ${locked.apiKeyId} returning ${COLUMNS}`.execute(transaction);
      await revokeWhatWasVerified(locked, now);
      return only(rows);
    },
    async revoke(locked, now) {
      const { rows } = await sql<Row>`update auth.api_keys set revoke_time = ${now}
        where api_key_id = ${locked.apiKeyId} returning ${COLUMNS}`.execute(transaction);
      await revokeWhatWasVerified(locked, now);
      return only(rows);
    },
  };
}

function only(rows: readonly Row[]): ApiKey {
  const [row] = rows;
  if (row === undefined) throw new Error("a row that is locked or was inserted is not there");
  return keyOf(row);
}

function keyOf(row: Row): ApiKey {
  const { previous_secret_hash: previous, previous_secret_expire_time: previousExpires } = row;
  return {
    apiKeyId: row.api_key_id,
    userId: row.user_id,
    displayName: row.display_name,
    scopes: row.scopes,
    secret: { prefix: row.secret_prefix, hash: row.secret_hash },
    previousSecret:
      previous === null || previousExpires === null
        ? undefined
        : { hash: previous, expireTime: previousExpires },
    createTime: row.create_time,
    expireTime: row.expire_time ?? undefined,
    revokeTime: row.revoke_time ?? undefined,
    lastUseTime: row.last_use_time ?? undefined,
  };
}
