// Writes of notifications inside a transaction: making them, reading marks, replays.
import { sql, type Transaction } from "kysely";
import {
  type Notification,
  type NotificationContent,
  NotificationState,
  type Target,
} from "./notification.ts";
import { NOTIFICATION_COLUMNS, type NotificationRow, notificationOf } from "./notification-tables.ts";
import type { Verdict } from "./preferences.ts";

export interface NotificationWriter {
  /**
   * One for each target; none where the receiver has one by the same channel with the same deduplication key, whose notifications are
   * returned then. A verdict to suppress makes them final.
   */
  insert(
    content: NotificationContent,
    targets: readonly Target[],
    verdict: Verdict,
  ): Promise<readonly Notification[]>;
  /** Those of the user that were unread, as they are now. */
  markRead(userId: string, notificationIds: readonly string[]): Promise<readonly Notification[]>;
  /** Those that exist, locked. */
  lockAll(notificationIds: readonly string[]): Promise<readonly Notification[]>;
  /** Dead letters back into the queue, their attempts counted from 0. */
  requeue(notificationIds: readonly string[]): Promise<readonly Notification[]>;
  /** What waits for the endpoint becomes dead letters. */
  bury(endpointId: string, error: string): Promise<void>;
  /** What waits for the endpoint goes to another URL. */
  redirect(endpointId: string, url: string): Promise<void>;
}

const { NOTIFICATION_STATE_QUEUED: queued, NOTIFICATION_STATE_SUPPRESSED: suppressed } = NotificationState;
const dead = sql.lit(NotificationState.NOTIFICATION_STATE_DEAD);

export function createNotificationWriter<T>(transaction: Transaction<T>, now: Date): NotificationWriter {
  const rows = async (query: ReturnType<typeof sql<NotificationRow>>): Promise<readonly Notification[]> =>
    (await query.execute(transaction)).rows.map(notificationOf);
  return {
    async insert(content, targets, verdict) {
      if (targets.length === 0 && content.deduplicationKey === "") return [];
      const made = await rows(insertion(content, targets, verdict, now));
      if (made.length === targets.length && made.length > 0) return made;
      const { userId, channel, deduplicationKey } = content;
      const receiver = userId ?? targets[0]?.destination.toLowerCase() ?? "";
      return rows(sql`
        select ${NOTIFICATION_COLUMNS} from notifications.notifications as n
        where n.receiver = ${receiver} and n.channel = ${channel}
          and n.deduplication_key = ${deduplicationKey}
        order by n.notification_id`);
    },
    markRead: (userId, notificationIds) =>
      rows(sql`
        update notifications.notifications as n set read_time = ${now}
        where n.notification_id = any(${notificationIds}::uuid[]) and n.user_id = ${userId}
          and n.read_time is null
        returning ${NOTIFICATION_COLUMNS}`),
    lockAll: (notificationIds) =>
      rows(sql`
        select ${NOTIFICATION_COLUMNS} from notifications.notifications as n
        where n.notification_id = any(${notificationIds}::uuid[])
        order by n.notification_id for no key update`),
    requeue: (notificationIds) =>
      rows(sql`
        update notifications.notifications as n
        set state = ${queued}, attempt_count = 0, last_error = '', due_time = ${now}
        where n.notification_id = any(${notificationIds}::uuid[]) and n.state = ${dead}
        returning ${NOTIFICATION_COLUMNS}`),
    async bury(endpointId, error) {
      await sql`
        update notifications.notifications set state = ${dead}, due_time = null, last_error = ${error}
        where endpoint_id = ${endpointId} and due_time is not null`.execute(transaction);
    },
    async redirect(endpointId, url) {
      await sql`
        update notifications.notifications set destination = ${url}
        where endpoint_id = ${endpointId} and due_time is not null`.execute(transaction);
    },
  };
}

/** Of two at once with the same key, the unique index makes the second wait for the first, and then do nothing. */
function insertion(
  content: NotificationContent,
  targets: readonly Target[],
  verdict: Verdict,
  now: Date,
): ReturnType<typeof sql<NotificationRow>> {
  const { userId = null, channel, category, eventType, templateId } = content;
  const { subject, body, htmlBody, deduplicationKey } = content;
  const key = deduplicationKey === "" ? null : deduplicationKey;
  const receiver = userId ?? targets[0]?.destination.toLowerCase() ?? "";
  const state = verdict.kind === "suppress" ? suppressed : queued;
  const due = verdict.kind === "suppress" ? null : verdict.kind === "wait" ? new Date(verdict.until) : now;
  return sql<NotificationRow>`
    insert into notifications.notifications as n (
      notification_id, endpoint_id, destination, user_id, channel, category, event_type, template_id,
      subject, body, html_body, deduplication_key, state, due_time, create_time
    )
    select target.id, target.endpoint_id, target.destination, ${userId}::uuid, ${channel}::smallint,
      ${category}::smallint, ${eventType}::text, ${templateId}::uuid, ${subject}::text, ${body}::text,
      ${htmlBody}::text, ${key}::text, ${state}::smallint, ${due}::timestamptz, ${now}::timestamptz
    from unnest(
      ${targets.map(({ notificationId }) => notificationId)}::uuid[],
      ${targets.map(({ endpointId }) => endpointId ?? null)}::uuid[],
      ${targets.map(({ destination }) => destination)}::text[]
    ) as target (id, endpoint_id, destination)
    where ${key}::text is null or not exists (
      select from notifications.notifications as known
      where known.receiver = ${receiver} and known.channel = ${channel} and known.deduplication_key = ${key}
    )
    on conflict do nothing
    returning ${NOTIFICATION_COLUMNS}`;
}
