// Delivers in-app notifications: the receiver's stream reads the log of events, so the transaction that writes the event is the delivery.
// Nothing leaves the database, hence no lease, no attempt that fails half way, and exactly one event each.
import { type RawBuilder, sql, type Transaction } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { NotificationChannel, NotificationState } from "./notification.ts";
import { inAppEvent } from "./notification-message.ts";
import {
  NOTIFICATION_COLUMNS,
  type NotificationRow,
  notificationOf,
  PREFERENCE_COLUMNS,
  type PreferenceRow,
  preferencesOf,
} from "./notification-tables.ts";
import { type Verdict, verdictOf } from "./preferences.ts";

export interface InAppDeliveryOptions {
  readonly database: Database<unknown>;
  readonly events: EventLog;
  readonly clock: Clock;
}

const BATCH = 100;

const {
  NOTIFICATION_STATE_QUEUED: QUEUED,
  NOTIFICATION_STATE_DELIVERED: DELIVERED,
  NOTIFICATION_STATE_SUPPRESSED: SUPPRESSED,
} = NotificationState;

type Row = NotificationRow & PreferenceRow;

/** Delivers a batch of what is due. True when there may be more. */
export function createInAppDelivery({ database, events, clock }: InAppDeliveryOptions) {
  return async (signal: AbortSignal): Promise<boolean> => {
    const now = clock.now();
    const due = await inTransaction(
      database,
      async (transaction) => {
        const rows = await lockDue(transaction, new Date(now));
        const changed = rows.length === 0 ? [] : await settle(transaction, rows, now);
        const delivered = changed.map(notificationOf).filter(({ state }) => state === DELIVERED);
        await events.append(
          transaction,
          delivered.map((notification) => inAppEvent("notification.delivered", notification)),
        );
        return rows.length;
      },
      { signal },
    );
    if (due > 0) events.committed();
    return due === BATCH;
  };
}

async function lockDue<T>(transaction: Transaction<T>, now: Date): Promise<readonly Row[]> {
  const { rows } = await sql<Row>`
    select ${NOTIFICATION_COLUMNS}, ${PREFERENCE_COLUMNS}
    from notifications.notifications as n left join notifications.preferences as p using (user_id)
    where n.channel = ${NotificationChannel.NOTIFICATION_CHANNEL_IN_APP} and n.due_time <= ${now}
    order by n.due_time limit ${BATCH} for update of n skip locked`.execute(transaction);
  return rows;
}

async function settle<T>(
  transaction: Transaction<T>,
  due: readonly Row[],
  now: number,
): Promise<readonly NotificationRow[]> {
  const verdicts = due.map((row) =>
    verdictOf(preferencesOf(row.user_id ?? "", row), row.category, row.channel, now),
  );
  const { rows } = await change(due, verdicts, new Date(now)).execute(transaction);
  return rows;
}

/** In the order of their making, which is then that of their events. */
function change(due: readonly Row[], verdicts: readonly Verdict[], now: Date): RawBuilder<NotificationRow> {
  const states = verdicts.map(({ kind }) =>
    kind === "send" ? DELIVERED : kind === "wait" ? QUEUED : SUPPRESSED,
  );
  const dueTimes = verdicts.map((verdict) => (verdict.kind === "wait" ? new Date(verdict.until) : null));
  return sql<NotificationRow>`
    with n as (
      update notifications.notifications as settled
      set state = verdict.state, due_time = verdict.due_time,
        deliver_time = case when verdict.state = ${DELIVERED} then ${now}::timestamptz end,
        attempt_count = attempt_count + case when verdict.state = ${DELIVERED} then 1 else 0 end
      from unnest(
        ${due.map((row) => row.notification_id)}::uuid[],
        ${states}::smallint[],
        ${dueTimes}::timestamptz[]
      ) as verdict (id, state, due_time)
      where settled.notification_id = verdict.id
      returning settled.*
    )
    select ${NOTIFICATION_COLUMNS} from n order by n.create_time, n.notification_id`;
}
