// What a notification is, and the states it goes through. No I/O, no messages but the values of enumerations.
import {
  NotificationCategory,
  NotificationChannel,
  NotificationState,
} from "#proto/ecommerce/v1/notification.ts";

export { NotificationCategory, NotificationChannel, NotificationState };

export const NOTIFICATION_TYPE = "ecommerce.v1.Notification";

/** What it says, as its receiver gets it. */
export interface NotificationText {
  readonly subject: string;
  /** For webhooks the JSON that is posted. */
  readonly body: string;
  /** Empty when there is no HTML part. */
  readonly htmlBody: string;
}

/** What is the same for all notifications that one request makes. */
export interface NotificationContent extends NotificationText {
  /** Undefined when it goes to an address only. */
  readonly userId: string | undefined;
  readonly channel: NotificationChannel;
  readonly category: NotificationCategory;
  readonly eventType: string;
  readonly templateId: string;
  /** A second one with the same key for the same receiver and channel is not made. Empty means that there is no such bond. */
  readonly deduplicationKey: string;
}

/** One place that a notification goes to. */
export interface Target {
  readonly notificationId: string;
  /** The e-mail address or the URL. Empty for in-app. */
  readonly destination: string;
  /** Set exactly for webhooks. */
  readonly endpointId: string | undefined;
}

export interface Notification extends NotificationContent, Target {
  readonly state: NotificationState;
  /** Counted when an attempt begins, so that one whose process dies is not forgotten. */
  readonly attemptCount: number;
  /** In our words, never the peer's: those may hold addresses. Empty when the last attempt did not fail. */
  readonly lastError: string;
  /** When it is worked on next; while it is being sent, when that attempt counts as lost. Undefined in final states. */
  readonly dueTime: Date | undefined;
  readonly createTime: Date;
  readonly deliverTime: Date | undefined;
  readonly readTime: Date | undefined;
}

/** Log fields of a notification: what identifies it, and nothing about its receiver or its text. */
export function loggableOf({ notificationId, channel, eventType, attemptCount }: Notification): object {
  return { notification_id: notificationId, channel, event_type: eventType, attempt: attemptCount };
}
