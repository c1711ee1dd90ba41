// A notification as the message that callers see, and as an event of the log.
import type { NewEvent } from "#impl/storage/events/event.ts";
import { Notification as NotificationMessage } from "#proto/ecommerce/v1/notification.ts";
import type { Notification } from "./notification.ts";

export function notificationMessage(notification: Notification): NotificationMessage {
  return {
    notificationId: notification.notificationId,
    userId: notification.userId ?? "",
    channel: notification.channel,
    category: notification.category,
    eventType: notification.eventType,
    templateId: notification.templateId,
    subject: notification.subject,
    body: notification.body,
    htmlBody: notification.htmlBody,
    destination: notification.destination,
    endpointId: notification.endpointId ?? "",
    state: notification.state,
    attemptCount: notification.attemptCount,
    lastError: notification.lastError,
    nextAttemptTime: notification.dueTime,
    createTime: notification.createTime,
    deliverTime: notification.deliverTime,
    readTime: notification.readTime,
  };
}

/** The key by which a user's stream finds its events. */
export function userKey(userId: string): string {
  return `user/${userId.toLowerCase()}`;
}

/** An in-app notification arrived or was read. */
export function inAppEvent(
  type: "notification.delivered" | "notification.read",
  changed: Notification,
): NewEvent {
  const payload = NotificationMessage.encode(notificationMessage(changed)).finish();
  return { type, keys: [userKey(changed.userId ?? "")], payload };
}

const BYTES_OF_THE_REST = 512;

/** Never less than the message has on the wire: a UTF-16 unit is at most 3 bytes of UTF-8. Cheaper than encoding it. */
export function bytesAtMost({
  subject,
  body,
  htmlBody,
  destination,
  lastError,
}: NotificationMessage): number {
  const chars = subject.length + body.length + htmlBody.length + destination.length + lastError.length;
  return BYTES_OF_THE_REST + 3 * chars;
}
