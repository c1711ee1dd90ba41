// The queue as workers see it. A claim is a lease: whoever takes a notification has it until its due time, after which it counts as lost
// and is anybody's. What an attempt came to is recorded only while its lease is the latest, so a slow worker never overwrites a later one.
import { type RawBuilder, sql } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import { type Notification, type NotificationChannel, NotificationState } from "./notification.ts";
import {
  NOTIFICATION_COLUMNS,
  type NotificationRow,
  notificationOf,
  PREFERENCE_COLUMNS,
  type PreferenceRow,
  preferencesOf,
} from "./notification-tables.ts";
import type { Preferences } from "./preferences.ts";

export interface Claimed {
  readonly notification: Notification;
  /** As they are now, not as they were when it was queued. */
  readonly preferences: Preferences;
}

/** What becomes of a claimed notification. */
export type Settlement =
  | { readonly kind: "delivered" }
  | { readonly kind: "retry"; readonly at: Date; readonly error: string; readonly endpointFailed: boolean }
  | {
      readonly kind: "dead";
      readonly error: string;
      readonly endpointFailed: boolean;
      readonly gone: boolean;
    }
  /** No attempt was made. */
  | { readonly kind: "postponed"; readonly until: Date }
  | { readonly kind: "suppressed" };

export interface DeliveryQueue {
  /** Up to `limit` that are due, the longest due first. */
  claim(channel: NotificationChannel, limit: number, leaseMs: number): Promise<readonly Claimed[]>;
  /** False when the lease was lost meanwhile, and nothing was recorded. */
  settle(notification: Notification, settlement: Settlement): Promise<boolean>;
}

/** An endpoint is disabled when all posts of this time failed. */
export const ENDPOINT_PATIENCE_MS = 7 * 86_400_000;

const {
  NOTIFICATION_STATE_QUEUED: QUEUED,
  NOTIFICATION_STATE_SENDING: SENDING,
  NOTIFICATION_STATE_RETRYING: RETRYING,
  NOTIFICATION_STATE_DELIVERED: DELIVERED,
  NOTIFICATION_STATE_DEAD: DEAD,
  NOTIFICATION_STATE_SUPPRESSED: SUPPRESSED,
} = NotificationState;

export function createDeliveryQueue<T>({ queries }: Database<T>, clock: Clock): DeliveryQueue {
  return {
    async claim(channel, limit, leaseMs) {
      const now = clock.now();
      const { rows } = await sql<NotificationRow & PreferenceRow>`
        with due as materialized (
          select notification_id from notifications.notifications
          where channel = ${channel} and due_time <= ${new Date(now)}
          order by due_time limit ${limit} for update skip locked
        ), n as (
          update notifications.notifications as claimed
          set state = ${SENDING}, attempt_count = attempt_count + 1, due_time = ${new Date(now + leaseMs)}
          from due where claimed.notification_id = due.notification_id
          returning claimed.*
        )
        select ${NOTIFICATION_COLUMNS}, ${PREFERENCE_COLUMNS}
        from n left join notifications.preferences as p using (user_id)`.execute(queries);
      return rows.map((row) => {
        const notification = notificationOf(row);
        return { notification, preferences: preferencesOf(notification.userId ?? "", row) };
      });
    },

    async settle({ notificationId, attemptCount }, settlement) {
      const now = new Date(clock.now());
      const { rows } = await sql<{ readonly settled: number }>`
        with settled as (
          update notifications.notifications set ${changesOf(settlement, attemptCount, now)}
          where notification_id = ${notificationId} and state = ${SENDING} and attempt_count = ${attemptCount}
          returning endpoint_id
        ), endpoint as (${endpointChange(settlement, now)})
        select count(*)::int as settled from settled`.execute(queries);
      return rows[0]?.settled === 1;
    },
  };
}

function changesOf(settlement: Settlement, attemptCount: number, now: Date): RawBuilder<unknown> {
  switch (settlement.kind) {
    case "delivered":
      return sql`state = ${DELIVERED}, due_time = null, deliver_time = ${now}, last_error = ''`;
    case "retry":
      return sql`state = ${RETRYING}, due_time = ${settlement.at}, last_error = ${settlement.error}`;
    case "dead":
      return sql`state = ${DEAD}, due_time = null, last_error = ${settlement.error}`;
    case "postponed":
      return sql`state = ${attemptCount === 1 ? QUEUED : RETRYING}, due_time = ${settlement.until},
        attempt_count = attempt_count - 1`;
    case "suppressed":
      return sql`state = ${SUPPRESSED}, due_time = null, attempt_count = attempt_count - 1`;
  }
}

/** An endpoint learns from every post, in the same statement; other channels have none. */
function endpointChange(settlement: Settlement, now: Date): RawBuilder<unknown> {
  if (settlement.kind === "delivered") {
    return sql`
      update notifications.webhook_endpoints as e set last_success_time = ${now}, failing_since = null
      from settled where e.endpoint_id = settled.endpoint_id`;
  }
  if ((settlement.kind !== "retry" && settlement.kind !== "dead") || !settlement.endpointFailed) {
    return sql`select`;
  }
  const gone = settlement.kind === "dead" && settlement.gone;
  const patienceEnds = new Date(now.getTime() - ENDPOINT_PATIENCE_MS);
  const disables = sql`not e.disabled and (${gone}::boolean or coalesce(e.failing_since <= ${patienceEnds}, false))`;
  return sql`
    update notifications.webhook_endpoints as e
    set last_failure_time = ${now}, failing_since = coalesce(e.failing_since, ${now}),
      disabled = e.disabled or (${disables}),
      version = case when ${disables} then e.version + 1 else e.version end,
      update_time = case when ${disables} then ${now} else e.update_time end
    from settled where e.endpoint_id = settled.endpoint_id`;
}
