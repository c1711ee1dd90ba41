// NotificationService: queues messages to people and programs, and keeps what they want to hear. Sending is the work of
// start-delivery.ts, in this process or another.
import type { Call } from "#impl/runtime/call.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import { implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import {
  type MarkNotificationsReadRequest,
  type MarkNotificationsReadResponse,
  NotificationServiceDefinition,
} from "#proto/ecommerce/v1/notification_service.ts";
import type { PageTokens } from "../shared/page-token.ts";
import type { SecretBox } from "../shared/secret-box.ts";
import type { AddressPolicy } from "./address-policy.ts";
import type { DeliverySignals } from "./delivery-signals.ts";
import { createEndpointMethods } from "./endpoint-methods.ts";
import {
  NOTIFICATION_TYPE,
  type Notification,
  NotificationChannel,
  NotificationState,
} from "./notification.ts";
import { createRequireAccess } from "./notification-access.ts";
import { listNotifications } from "./notification-list.ts";
import { inAppEvent, notificationMessage } from "./notification-message.ts";
import type { NotificationStore } from "./notification-store.ts";
import { streamNotifications } from "./notification-stream.ts";
import { createPreferenceMethods } from "./preference-methods.ts";
import { createFindRecipient, type UserClient } from "./recipients.ts";
import { replayDeadLetters } from "./replay-dead-letters.ts";
import { sendNotification } from "./send-notification.ts";
import { createTemplateMethods } from "./template-methods.ts";

export interface NotificationServiceOptions {
  readonly store: NotificationStore;
  /** The one that the store writes. */
  readonly events: EventLog;
  readonly schema: Schema;
  readonly newId: NewId;
  readonly clock: Clock;
  /** For page and resume tokens. */
  readonly tokens: PageTokens;
  /** Where the addresses and languages of users are asked for. */
  readonly users: UserClient;
  readonly secrets: SecretBox;
  readonly addresses: AddressPolicy;
  /** Told of what was queued. */
  readonly signals: DeliverySignals;
  /** False only when authentication is switched off, so that nobody is known: then everyone may do everything. */
  readonly accessChecked: boolean;
}

export function createNotificationService(options: NotificationServiceOptions): ServiceImplementation {
  const { store, events, schema, tokens, signals } = options;
  const requireAccess = createRequireAccess(options.accessChecked);
  const sending = { ...options, findRecipient: createFindRecipient(options.users) };
  const streaming = { reads: store.notifications, events, tokens };
  return implement(NotificationServiceDefinition, {
    sendNotification: (request, call) => sendNotification(sending, request, call),
    async getNotification({ notificationId }, { principal, signal }) {
      const found = await store.notifications.find(notificationId, signal);
      const resource = { type: NOTIFICATION_TYPE, name: notificationId };
      return {
        notification: notificationMessage(requireAccess(found, "notifications.read", principal, resource)),
      };
    },
    listNotifications: (request, call) => listNotifications(store.notifications, tokens, request, call),
    markNotificationsRead: (request, call) => markRead(options, request, call),
    replayDeadLetters: (request, call) => replayDeadLetters(store, signals, request, call),
    streamNotifications: (request, call) => streamNotifications(streaming, request, call),
    ...createPreferenceMethods(store, schema),
    ...createTemplateMethods(options),
    ...createEndpointMethods({ ...options, requireAccess }),
  });
}

/** The user's other windows hear of it by their streams. */
async function markRead(
  { store, events }: NotificationServiceOptions,
  { userId, notificationIds }: MarkNotificationsReadRequest,
  { signal }: Call,
): Promise<MarkNotificationsReadResponse> {
  const markedCount = await store.write(signal, async ({ notifications, append }) => {
    const read = await notifications.markRead(userId, notificationIds);
    await append(read.filter(isDeliveredInApp).map((each) => inAppEvent("notification.read", each)));
    return read.length;
  });
  events.committed();
  return { markedCount };
}

/** Others are not in any stream: the event of their delivery will say that they are read. */
function isDeliveredInApp({ channel, state }: Notification): boolean {
  return (
    channel === NotificationChannel.NOTIFICATION_CHANNEL_IN_APP &&
    state === NotificationState.NOTIFICATION_STATE_DELIVERED
  );
}
