// What a caller may do with an order beyond what the policy of the method says: with the method's permission everything, without it
// only with an order of its own. Anybody else learns nothing, not even that the order is there.
import type { Call } from "#impl/runtime/call.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import { ORDER_TYPE, type Order } from "./order.ts";

export interface OrderAccess {
  /** Throws NOT_FOUND, also for no order at all. */
  require(order: Order | undefined, orderId: string, call: Call, permission: string): Order;
  /** Whether the caller holds the permission. */
  holds(call: Call, permission: string): boolean;
  /** Whether the caller is who bought. */
  isBuyer(order: Order, call: Call): boolean;
}

/** `checked` is false when authentication is switched off: then no caller is known, and everyone may do everything. */
export function createOrderAccess(checked: boolean): OrderAccess {
  const holds: OrderAccess["holds"] = ({ principal }, permission) =>
    !checked || principal?.permissions.has(permission) === true;
  const isBuyer: OrderAccess["isBuyer"] = ({ userId }, { principal }) =>
    userId !== undefined && principal?.userId.toLowerCase() === userId;
  return {
    holds,
    isBuyer,
    require(order, orderId, call, permission) {
      if (order !== undefined && (holds(call, permission) || isBuyer(order, call))) return order;
      throw notFound(ORDER_TYPE, orderId);
    },
  };
}

/** Under which the request ids of a caller are kept apart from those of others. */
export function callerOf({ principal }: Call): string {
  return principal?.userId ?? "anonymous";
}
