// StreamNotifications: what a user has not read, then what is delivered and read from then on.
import type { Call } from "#impl/runtime/call.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { Notification as NotificationMessage } from "#proto/ecommerce/v1/notification.ts";
import type {
  StreamNotificationsRequest,
  StreamNotificationsResponse,
} from "#proto/ecommerce/v1/notification_service.ts";
import { eventStream } from "../shared/event-stream.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { notificationMessage, userKey } from "./notification-message.ts";
import type { NotificationReads } from "./notification-reads.ts";

export interface NotificationStreamOptions {
  readonly reads: NotificationReads;
  readonly events: EventLog;
  readonly tokens: PageTokens;
}

const SNAPSHOT_PAGE = 100;

export function streamNotifications(
  { reads, events, tokens }: NotificationStreamOptions,
  request: StreamNotificationsRequest,
  call: Call,
): AsyncGenerator<StreamNotificationsResponse> {
  const userId = request.userId.toLowerCase();
  const categories = request.categories.toSorted((one, other) => one - other);
  const messageOf = (value: NotificationMessage): StreamNotificationsResponse | undefined =>
    categories.length === 0 || categories.includes(value.category)
      ? { event: { $case: "notification", value }, resumeToken: "" }
      : undefined;
  return eventStream<StreamNotificationsResponse>({
    log: events,
    tokens,
    call,
    purpose: "notifications.stream.1",
    boundTo: JSON.stringify([userId, categories]),
    resumeToken: request.resumeToken,
    start: "snapshot",
    keys: [userKey(userId)],
    heartbeatMs: millisecondsOf(request.heartbeatInterval),
    update: ({ payload }) => messageOf(NotificationMessage.decode(payload)),
    heartbeat: (serverTime) => ({ event: { $case: "heartbeat", value: { serverTime } }, resumeToken: "" }),
    async *snapshot(signal) {
      for await (const unread of unreadOf(reads, userId, signal)) {
        const message = messageOf(unread);
        if (message !== undefined) yield message;
      }
    },
  });
}

/** The oldest first. */
async function* unreadOf(
  reads: NotificationReads,
  userId: string,
  signal: AbortSignal,
): AsyncGenerator<NotificationMessage> {
  for (let after: string | undefined; ; ) {
    const page = await reads.unread(userId, after, SNAPSHOT_PAGE, signal);
    for (const notification of page) yield notificationMessage(notification);
    if (page.length < SNAPSHOT_PAGE) return;
    after = page.at(-1)?.notificationId;
  }
}
