// Last step: the customer is told what became of the order. It never fails an order: a notification that is refused, or that could not
// be handed over in so many attempts, is given up with a warning. The same order and event are told once, by the deduplication key.
import type { ClientOf } from "#impl/client/client.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { NotificationCategory, NotificationChannel } from "#proto/ecommerce/v1/notification.ts";
import type { NotificationServiceDefinition } from "#proto/ecommerce/v1/notification_service.ts";
import { formatAmount } from "../../shared/money.ts";
import { type Order, OrderStatus } from "../order.ts";
import { statusName } from "../order-status.ts";
import { refusalOf } from "./call-outcome.ts";
import { derivedId } from "./derived-id.ts";
import type { SagaTask } from "./saga.ts";

/** The name of the step. */
export const NOTIFY = "notify";

/** Also the names of the templates. */
export const NOTICE_EVENTS = [
  "order.confirmed",
  "order.out_of_stock",
  "order.payment_failed",
  "order.failed",
  "order.cancelled",
  "order.shipped",
  "order.delivered",
  "order.refunded",
] as const;

export type NoticeEvent = (typeof NOTICE_EVENTS)[number];

export interface NoticeOptions {
  readonly notifications: Pick<ClientOf<NotificationServiceDefinition>, "sendNotification">;
  /** How users are told; a guest with an address by e-mail. Default by e-mail. */
  readonly channels?: readonly NotificationChannel[];
  readonly maxAttempts: number;
  readonly log: Logger;
}

export interface Notices {
  /** Whether there is anybody to tell. */
  concerns(order: Order): boolean;
  /** Returns when it is told or given up; throws when it is to be tried again. */
  tell(task: SagaTask, event: NoticeEvent, signal: AbortSignal): Promise<void>;
}

export function createNotices(options: NoticeOptions): Notices {
  const {
    notifications,
    channels = [NotificationChannel.NOTIFICATION_CHANNEL_EMAIL],
    maxAttempts,
    log,
  } = options;
  const concerns: Notices["concerns"] = ({ userId, guest }) =>
    userId !== undefined || (guest !== undefined && guest.email !== "");
  return {
    concerns,
    async tell({ order, saga }, event, signal) {
      if (!concerns(order)) return;
      const toGuest = order.userId === undefined;
      for (const channel of toGuest ? [NotificationChannel.NOTIFICATION_CHANNEL_EMAIL] : channels) {
        const request = {
          userId: order.userId ?? "",
          email: order.guest?.email ?? "",
          channel,
          category: NotificationCategory.NOTIFICATION_CATEGORY_TRANSACTION,
          eventType: event,
          templateName: event,
          variables: variablesOf(order),
          deduplicationKey: `order/${order.orderId}/${event}/${saga.sagaId}`,
          requestId: derivedId(saga.sagaId, `${event}/${channel}`),
        };
        try {
          await notifications.sendNotification(request, { signal });
        } catch (error) {
          if (signal.aborted) throw error;
          if (refusalOf(error) === undefined && saga.attempts + 1 < maxAttempts) throw error;
          log.warn({ err: error, orderId: order.orderId, event }, "a customer could not be told");
        }
      }
    },
  };
}

/** What the end of an order's processing is called. */
export function noticeOfEnd({ status }: Order): NoticeEvent {
  switch (status) {
    case OrderStatus.ORDER_STATUS_OUT_OF_STOCK:
      return "order.out_of_stock";
    case OrderStatus.ORDER_STATUS_PAYMENT_FAILED:
      return "order.payment_failed";
    case OrderStatus.ORDER_STATUS_FAILED:
      return "order.failed";
    case OrderStatus.ORDER_STATUS_CANCELLED:
      return "order.cancelled";
    default:
      // It may have come further since.
      return "order.confirmed";
  }
}

/** What templates may name; docs/notifications.md says what those of the shop do. */
function variablesOf(order: Order): Record<string, string> {
  const { currency, totals, refundedMinor, shipments } = order;
  const parcel = shipments.at(-1);
  return {
    order_id: order.orderId,
    reference: order.reference,
    status: statusName(order.status),
    total: formatAmount({ minorUnits: totals.totalMinor, currency }),
    amount: formatAmount({ minorUnits: refundedMinor, currency }),
    currency,
    reason: order.failure?.message ?? "",
    carrier: parcel?.carrier ?? "",
    tracking_number: parcel?.trackingNumber ?? "",
  };
}
