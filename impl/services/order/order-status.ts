// How far an order can come: the table in the comments of ecommerce.v1.OrderStatus as one function. Whatever changes the status of
// an order asks here, so that no sequence of events leads off the table.
import { OrderStatus } from "#proto/ecommerce/v1/order.ts";

export type StatusEvent =
  | { readonly kind: "reserve" }
  | { readonly kind: "authorize" }
  | { readonly kind: "confirm" }
  | { readonly kind: "capture" }
  | { readonly kind: "paid" }
  | { readonly kind: "out_of_stock" }
  | { readonly kind: "payment_failed" }
  | { readonly kind: "fail" }
  | { readonly kind: "cancel" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "ship" }
  | { readonly kind: "deliver" }
  | { readonly kind: "request_return" }
  | { readonly kind: "receive_return" }
  | { readonly kind: "refund" }
  /** `all`: nothing of what was captured is left. */
  | { readonly kind: "refunded"; readonly all: boolean }
  /** `before`: the state that the refund began in. */
  | { readonly kind: "refund_failed"; readonly before: OrderStatus };

const {
  ORDER_STATUS_UNSPECIFIED: UNSPECIFIED,
  ORDER_STATUS_PENDING: PENDING,
  ORDER_STATUS_RESERVING: RESERVING,
  ORDER_STATUS_AUTHORIZING: AUTHORIZING,
  ORDER_STATUS_CONFIRMED: CONFIRMED,
  ORDER_STATUS_CAPTURING: CAPTURING,
  ORDER_STATUS_PROCESSING: PROCESSING,
  ORDER_STATUS_SHIPPED: SHIPPED,
  ORDER_STATUS_DELIVERED: DELIVERED,
  ORDER_STATUS_RETURN_REQUESTED: RETURN_REQUESTED,
  ORDER_STATUS_RETURNED: RETURNED,
  ORDER_STATUS_REFUNDING: REFUNDING,
  ORDER_STATUS_REFUNDED: REFUNDED,
  ORDER_STATUS_PARTIALLY_REFUNDED: PARTIALLY_REFUNDED,
  ORDER_STATUS_CANCELLING: CANCELLING,
  ORDER_STATUS_CANCELLED: CANCELLED,
  ORDER_STATUS_PAYMENT_FAILED: PAYMENT_FAILED,
  ORDER_STATUS_OUT_OF_STOCK: OUT_OF_STOCK,
  ORDER_STATUS_FAILED: FAILED,
} = OrderStatus;

/** The states in which each event can happen, where that does not depend on the event's content. */
const FROM = {
  reserve: new Set<OrderStatus>([PENDING]),
  authorize: new Set<OrderStatus>([RESERVING]),
  confirm: new Set<OrderStatus>([AUTHORIZING]),
  capture: new Set<OrderStatus>([CONFIRMED]),
  paid: new Set<OrderStatus>([CAPTURING]),
  out_of_stock: new Set<OrderStatus>([RESERVING]),
  payment_failed: new Set<OrderStatus>([AUTHORIZING, CAPTURING]),
  fail: new Set<OrderStatus>([RESERVING, AUTHORIZING, CAPTURING]),
  cancel: new Set<OrderStatus>([PENDING, RESERVING, AUTHORIZING, CONFIRMED, PROCESSING]),
  cancelled: new Set<OrderStatus>([CANCELLING]),
  ship: new Set<OrderStatus>([PROCESSING, PARTIALLY_REFUNDED]),
  deliver: new Set<OrderStatus>([SHIPPED, PARTIALLY_REFUNDED]),
  request_return: new Set<OrderStatus>([SHIPPED, DELIVERED, PARTIALLY_REFUNDED]),
  receive_return: new Set<OrderStatus>([RETURN_REQUESTED]),
  refund: new Set<OrderStatus>([
    PROCESSING,
    SHIPPED,
    DELIVERED,
    RETURN_REQUESTED,
    RETURNED,
    PARTIALLY_REFUNDED,
  ]),
  refunded: new Set<OrderStatus>([REFUNDING]),
  refund_failed: new Set<OrderStatus>([REFUNDING]),
} as const satisfies Record<StatusEvent["kind"], ReadonlySet<OrderStatus>>;

/** The state after the event; undefined when it cannot happen in this one. */
export function transition(status: OrderStatus, event: StatusEvent): OrderStatus | undefined {
  return FROM[event.kind].has(status) ? target(event) : undefined;
}

function target(event: StatusEvent): OrderStatus | undefined {
  switch (event.kind) {
    case "reserve":
      return RESERVING;
    case "authorize":
      return AUTHORIZING;
    case "confirm":
      return CONFIRMED;
    case "capture":
      return CAPTURING;
    case "paid":
      return PROCESSING;
    case "out_of_stock":
      return OUT_OF_STOCK;
    case "payment_failed":
      return PAYMENT_FAILED;
    case "fail":
      return FAILED;
    case "cancel":
      return CANCELLING;
    case "cancelled":
      return CANCELLED;
    case "ship":
      return SHIPPED;
    case "deliver":
      return DELIVERED;
    case "request_return":
      return RETURN_REQUESTED;
    case "receive_return":
      return RETURNED;
    case "refund":
      return REFUNDING;
    case "refunded":
      return event.all ? REFUNDED : PARTIALLY_REFUNDED;
    case "refund_failed":
      return FROM.refund.has(event.before) ? event.before : undefined;
  }
}

/** Whether nothing can follow. */
export function isFinal(status: OrderStatus): boolean {
  switch (status) {
    case REFUNDED:
    case CANCELLED:
    case PAYMENT_FAILED:
    case OUT_OF_STOCK:
    case FAILED:
      return true;
    case UNSPECIFIED:
    case PENDING:
    case RESERVING:
    case AUTHORIZING:
    case CONFIRMED:
    case CAPTURING:
    case PROCESSING:
    case SHIPPED:
    case DELIVERED:
    case RETURN_REQUESTED:
    case RETURNED:
    case REFUNDING:
    case PARTIALLY_REFUNDED:
    case CANCELLING:
      return false;
  }
}

/** Whether the processing that began with the order is over: PROCESSING, whatever comes after it, or an error state. */
export function isProcessed(status: OrderStatus): boolean {
  return !IN_PROCESS.has(status);
}

const IN_PROCESS: ReadonlySet<OrderStatus> = new Set<OrderStatus>([
  UNSPECIFIED,
  PENDING,
  RESERVING,
  AUTHORIZING,
  CONFIRMED,
  CAPTURING,
  CANCELLING,
]);

/** "PROCESSING" for ORDER_STATUS_PROCESSING. */
export function statusName(status: OrderStatus): string {
  return NAMES.get(status) ?? String(status);
}

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(OrderStatus).map(([name, value]) => [value, name.replace("ORDER_STATUS_", "")]),
);
