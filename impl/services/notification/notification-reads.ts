// Reads of notifications: by id, and in pages by their ids, which are in the order of their making.
import { type RawBuilder, sql } from "kysely";
import type { Database } from "#impl/storage/database.ts";
import { type Notification, type NotificationChannel, NotificationState } from "./notification.ts";
import { NOTIFICATION_COLUMNS, type NotificationRow, notificationOf } from "./notification-tables.ts";

/** An empty condition does not restrict. */
export interface NotificationConditions {
  readonly userId: string;
  readonly channels: readonly NotificationChannel[];
  readonly states: readonly NotificationState[];
  readonly endpointId: string;
  readonly unreadOnly: boolean;
}

export interface NotificationReads {
  find(notificationId: string, signal: AbortSignal): Promise<Notification | undefined>;
  /** The latest first, of those before `before`. */
  page(
    conditions: NotificationConditions,
    before: string | undefined,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly Notification[]>;
  /** Delivered in-app notifications that the user has not read, the oldest first, of those after `after`. */
  unread(
    userId: string,
    after: string | undefined,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly Notification[]>;
}

const DELIVERED = sql.lit(NotificationState.NOTIFICATION_STATE_DELIVERED);
const DEAD = NotificationState.NOTIFICATION_STATE_DEAD;

export function createNotificationReads<T>({ queries }: Database<T>): NotificationReads {
  const run = async (query: RawBuilder<NotificationRow>, signal: AbortSignal): Promise<Notification[]> =>
    (await query.execute(queries, { signal })).rows.map(notificationOf);
  return {
    async find(notificationId, signal) {
      const [found] = await run(
        sql`select ${NOTIFICATION_COLUMNS} from notifications.notifications as n
          where n.notification_id = ${notificationId}`,
        signal,
      );
      return found;
    },
    page: (conditions, before, limit, signal) =>
      run(
        sql`select ${NOTIFICATION_COLUMNS} from notifications.notifications as n
          where ${restriction(conditions, before)}
          order by n.notification_id desc limit ${limit}`,
        signal,
      ),
    unread: (userId, after, limit, signal) =>
      run(
        sql`select ${NOTIFICATION_COLUMNS} from notifications.notifications as n
          where n.user_id = ${userId} and n.channel = 3 and n.state = ${DELIVERED} and n.read_time is null
            ${after === undefined ? sql`` : sql`and n.notification_id > ${after}`}
          order by n.notification_id limit ${limit}`,
        signal,
      ),
  };
}

function restriction(
  { userId, channels, states, endpointId, unreadOnly }: NotificationConditions,
  before: string | undefined,
): RawBuilder<unknown> {
  const conditions = [sql`true`];
  if (userId !== "") conditions.push(sql`n.user_id = ${userId}`);
  if (channels.length > 0) conditions.push(sql`n.channel = any(${channels}::smallint[])`);
  // Written out, since the index of dead letters is taken only for a query that states its condition.
  if (states.length === 1 && states[0] === DEAD) conditions.push(sql`n.state = ${sql.lit(DEAD)}`);
  else if (states.length > 0) conditions.push(sql`n.state = any(${states}::smallint[])`);
  if (endpointId !== "") conditions.push(sql`n.endpoint_id = ${endpointId}`);
  if (unreadOnly) conditions.push(sql`n.read_time is null`);
  if (before !== undefined) conditions.push(sql`n.notification_id < ${before}`);
  return sql.join(conditions, sql` and `);
}
