// Preferences in PostgreSQL. A user that never said anything has no row.
import { sql, type Transaction } from "kysely";
import type { Database } from "#impl/storage/database.ts";
import { PREFERENCE_COLUMNS, type PreferenceRow, preferencesOf } from "./notification-tables.ts";
import type { Preferences } from "./preferences.ts";

export interface PreferenceReads {
  /** The defaults for a user that never said anything. */
  find(userId: string, signal: AbortSignal): Promise<Preferences>;
}

export interface PreferenceWriter {
  /** As they are and stay until the transaction ends, but for what this writer changes. */
  lock(userId: string): Promise<Preferences>;
  /** The next version. */
  replace(locked: Preferences, wanted: Omit<Preferences, "version">): Promise<Preferences>;
}

export function createPreferenceReads<T>({ queries }: Database<T>): PreferenceReads {
  return {
    async find(userId, signal) {
      const { rows } = await sql<PreferenceRow>`
        select ${PREFERENCE_COLUMNS} from notifications.preferences as p where p.user_id = ${userId}`.execute(
        queries,
        { signal },
      );
      return preferencesOf(userId.toLowerCase(), rows[0]);
    },
  };
}

export function createPreferenceWriter<T>(transaction: Transaction<T>): PreferenceWriter {
  return {
    async lock(userId) {
      // There must be a row to lock: two first changes at once would else both be the first.
      await sql`insert into notifications.preferences (user_id) values (${userId}) on conflict do nothing`.execute(
        transaction,
      );
      const { rows } = await sql<PreferenceRow>`
        select ${PREFERENCE_COLUMNS} from notifications.preferences as p
        where p.user_id = ${userId} for update`.execute(transaction);
      return preferencesOf(userId.toLowerCase(), rows[0]);
    },
    async replace(locked, { choices, quietTime, timeZone }) {
      const version = locked.version + 1n;
      await sql`
        update notifications.preferences
        set choices = ${JSON.stringify(Object.fromEntries(choices))},
          quiet_start_minute = ${quietTime?.startMinute ?? null},
          quiet_end_minute = ${quietTime?.endMinute ?? null},
          time_zone = ${timeZone}, version = ${version}
        where user_id = ${locked.userId}`.execute(transaction);
      return { userId: locked.userId, choices, quietTime, timeZone, version };
    },
  };
}
