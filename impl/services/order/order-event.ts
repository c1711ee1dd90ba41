// A change of an order as an event of the log: the whole order after it, so that a reader needs no query.
import type { NewEvent } from "#impl/storage/events/event.ts";
import { OrderEvent } from "#proto/ecommerce/v1/order_service.ts";
import { type Order, OrderStatus } from "./order.ts";
import { orderMessage } from "./order-message.ts";
import { statusName } from "./order-status.ts";

/** Its keys are "order/<id>", "user/<id>" and "bulk/<job id>", the latter two where there is one. */
export function orderEvent(order: Order, previousStatus: OrderStatus): NewEvent {
  return {
    type: `order.${statusName(order.status).toLowerCase()}`,
    keys: keysOf(order),
    payload: OrderEvent.encode({
      previousStatus,
      order: orderMessage(order),
      snapshot: false,
      eventTime: order.updateTime,
    }).finish(),
  };
}

export function newOrderEvent(order: Order): NewEvent {
  return orderEvent(order, OrderStatus.ORDER_STATUS_UNSPECIFIED);
}

function keysOf({ orderId, userId, bulk }: Order): string[] {
  const keys = [orderKey(orderId)];
  if (userId !== undefined) keys.push(userKey(userId));
  if (bulk !== undefined) keys.push(bulkKey(bulk.jobId));
  return keys;
}

export function orderKey(orderId: string): string {
  return `order/${orderId}`;
}

export function userKey(userId: string): string {
  return `user/${userId}`;
}

export function bulkKey(jobId: string): string {
  return `bulk/${jobId}`;
}
