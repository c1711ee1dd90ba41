// The tables of the service as rows, and rows as what they hold.
import { sql } from "kysely";
import type { MigrationOptions } from "#impl/storage/migrations.ts";
import type {
  Notification,
  NotificationCategory,
  NotificationChannel,
  NotificationState,
} from "./notification.ts";
import { defaultPreferences, type Preferences } from "./preferences.ts";

/** For `migrate`, beside `eventTables` of the same schema. */
export const notificationsSchema: MigrationOptions = {
  schema: "notifications",
  folder: new URL("./migrations/", import.meta.url),
};

/** All columns of a notification but what the database generates, of a table or alias "n". */
export const NOTIFICATION_COLUMNS = sql.raw(
  [
    "notification_id",
    "user_id",
    "channel",
    "category",
    "event_type",
    "template_id",
    "subject",
    "body",
    "html_body",
    "destination",
    "endpoint_id",
    "deduplication_key",
    "state",
    "attempt_count",
    "last_error",
    "due_time",
    "create_time",
    "deliver_time",
    "read_time",
  ]
    .map((column) => `n.${column}`)
    .join(", "),
);

export interface NotificationRow {
  readonly notification_id: string;
  readonly user_id: string | null;
  readonly channel: NotificationChannel;
  readonly category: NotificationCategory;
  readonly event_type: string;
  readonly template_id: string;
  readonly subject: string;
  readonly body: string;
  readonly html_body: string;
  readonly destination: string;
  readonly endpoint_id: string | null;
  readonly deduplication_key: string | null;
  readonly state: NotificationState;
  readonly attempt_count: number;
  readonly last_error: string;
  readonly due_time: Date | null;
  readonly create_time: Date;
  readonly deliver_time: Date | null;
  readonly read_time: Date | null;
}

export function notificationOf(row: NotificationRow): Notification {
  return {
    notificationId: row.notification_id,
    userId: row.user_id ?? undefined,
    channel: row.channel,
    category: row.category,
    eventType: row.event_type,
    templateId: row.template_id,
    subject: row.subject,
    body: row.body,
    htmlBody: row.html_body,
    destination: row.destination,
    endpointId: row.endpoint_id ?? undefined,
    deduplicationKey: row.deduplication_key ?? "",
    state: row.state,
    attemptCount: row.attempt_count,
    lastError: row.last_error,
    dueTime: row.due_time ?? undefined,
    createTime: row.create_time,
    deliverTime: row.deliver_time ?? undefined,
    readTime: row.read_time ?? undefined,
  };
}

/** Columns of preferences, of a table or alias "p", that a left join may leave empty. */
export const PREFERENCE_COLUMNS = sql.raw(
  "p.choices, p.quiet_start_minute, p.quiet_end_minute, p.time_zone, p.version",
);

export interface PreferenceRow {
  readonly choices: Readonly<Record<string, readonly NotificationChannel[]>> | null;
  readonly quiet_start_minute: number | null;
  readonly quiet_end_minute: number | null;
  readonly time_zone: string | null;
  readonly version: bigint | null;
}

export function preferencesOf(userId: string, row: PreferenceRow | undefined): Preferences {
  if (row === undefined || row.version === null) return defaultPreferences(userId);
  const timeZone = row.time_zone ?? "";
  const { quiet_start_minute: startMinute, quiet_end_minute: endMinute } = row;
  const quietTime =
    startMinute === null || endMinute === null ? undefined : { startMinute, endMinute, timeZone };
  const choices = new Map(
    Object.entries(row.choices ?? {}).map(([category, channels]) => [categoryOf(category), channels]),
  );
  return { userId, choices, quietTime, timeZone, version: row.version };
}

// The cage: keys of a JSON object are texts, and these were written from categories.
function categoryOf(key: string): NotificationCategory {
  return Number(key) as NotificationCategory;
}
