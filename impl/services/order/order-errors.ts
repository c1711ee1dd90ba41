// Why an order does not allow what is asked of it. Every error names the state of the order, so that a caller can decide again.
import { RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { ORDER_TYPE, type Order } from "./order.ts";
import { statusName } from "./order-status.ts";

/** The state does not fit. `what` is what was asked for, such as "cancelled". */
export function wrongStatus(order: Order, what: string): RpcError {
  const status = statusName(order.status);
  return refusedByOrder(order, "ORDER_STATUS", `an order in ${status} cannot be ${what}`);
}

export function linesExceeded(order: Order, lineNumbers: readonly number[], rule: string): RpcError {
  const lines = lineNumbers.map((number) => `line ${number}`).join(", ");
  return refusedByOrder(order, "LINE_QUANTITY", `${lines}: ${rule}`);
}

export function refusedByOrder(order: Order, reason: string, description: string): RpcError {
  const { orderId } = order;
  const status = statusName(order.status);
  return new RpcError({
    code: Code.FAILED_PRECONDITION,
    reason,
    message: description,
    values: { order_id: orderId, status },
    details: [
      {
        type: "PreconditionFailure",
        violations: [
          { type: reason, subject: orderId, description },
          { type: status, subject: orderId, description: `the order is in ${status}` },
        ],
      },
      { type: "ResourceInfo", resourceType: ORDER_TYPE, resourceName: orderId },
    ],
  });
}
