// One order of the model, and what each step does to it.
import type { CreateStep, RefundStep } from "./order-steps.ts";

/** "ok", or the reason of the refusal. */
export type Outcome = string;

interface ModelLine {
  readonly quantity: bigint;
  /** With its part of the shipping. */
  readonly paid: bigint;
  asked: bigint;
  returned: bigint;
  withdrawn: bigint;
  refunded: bigint;
  refundedAmount: bigint;
}

export interface ModelOrder {
  readonly step: CreateStep;
  readonly lines: readonly ModelLine[];
  readonly total: bigint;
  status: string;
  captured: bigint;
  refunded: bigint;
  sent: boolean;
  delivered: boolean;
  /** Units that are in stock again. */
  restocked: bigint;
  /** Of the last refund that was begun. */
  lastRefund: Outcome | undefined;
}

/** The states of an order in process in which it can be found, in their order. */
export const IN_PROCESS = ["PENDING", "RESERVING", "AUTHORIZING", "CAPTURING"];
const REFUNDABLE = [
  "PROCESSING",
  "SHIPPED",
  "DELIVERED",
  "RETURN_REQUESTED",
  "RETURNED",
  "PARTIALLY_REFUNDED",
];

export function process(order: ModelOrder): void {
  if (!IN_PROCESS.includes(order.status)) return;
  const { lines, card } = order.step;
  if (lines.some(({ short }) => short)) order.status = "OUT_OF_STOCK";
  else if (card === "declined" || card === "captureDeclined") order.status = "PAYMENT_FAILED";
  else {
    order.status = "PROCESSING";
    order.captured = order.total;
  }
}

export function cancel(order: ModelOrder): Outcome {
  // While the money is taken there is nothing to undo: cancelling waits for the end of that.
  if (order.status === "CAPTURING") process(order);
  if (![...IN_PROCESS, "PROCESSING"].includes(order.status)) return "ORDER_STATUS";
  if (order.status === "PROCESSING") {
    order.refunded = order.captured;
    for (const line of order.lines) {
      line.refunded = line.quantity;
      line.refundedAmount = line.paid;
    }
  }
  order.status = "CANCELLED";
  return "ok";
}

export function ship(order: ModelOrder): Outcome {
  if (!["PROCESSING", "PARTIALLY_REFUNDED"].includes(order.status) || order.sent) return "ORDER_STATUS";
  order.sent = true;
  order.status = "SHIPPED";
  return "ok";
}

export function deliver(order: ModelOrder): Outcome {
  if (!["SHIPPED", "PARTIALLY_REFUNDED"].includes(order.status)) return "ORDER_STATUS";
  if (!order.sent || order.delivered) return "ORDER_STATUS";
  order.delivered = true;
  order.status = "DELIVERED";
  return "ok";
}

export function askBack(order: ModelOrder, number: number, quantity: bigint): Outcome {
  if (!["SHIPPED", "DELIVERED", "PARTIALLY_REFUNDED"].includes(order.status)) return "ORDER_STATUS";
  if (!order.sent) return "ORDER_STATUS";
  const line = order.lines[number - 1];
  if (line === undefined) return "INVALID_REQUEST";
  if (quantity > line.quantity - line.returned - line.withdrawn) return "LINE_QUANTITY";
  for (const each of order.lines) each.asked = 0n;
  line.asked = quantity;
  order.status = "RETURN_REQUESTED";
  return "ok";
}

export function takeBack(order: ModelOrder, number: number, quantity: bigint, restock: boolean): Outcome {
  if (order.status !== "RETURN_REQUESTED") return "ORDER_STATUS";
  const line = order.lines[number - 1];
  if (line === undefined) return "INVALID_REQUEST";
  if (quantity > line.asked) return "LINE_QUANTITY";
  for (const each of order.lines) each.asked = 0n;
  line.returned += quantity;
  if (restock) order.restocked += quantity;
  order.status = "RETURNED";
  return "ok";
}

export function refund(order: ModelOrder, step: RefundStep): Outcome {
  if (!REFUNDABLE.includes(order.status)) return "ORDER_STATUS";
  const line = order.lines[step.line - 1];
  if (line === undefined) return "INVALID_REQUEST";
  const units = BigInt(step.quantity);
  if (units > line.quantity - line.refunded) return "LINE_QUANTITY";
  if (step.restock && units > line.quantity - line.returned - line.withdrawn - line.asked)
    return "LINE_QUANTITY";
  // What is paid for the first units of a line, without the fraction of a penny.
  const paidFor = (first: bigint): bigint => (line.paid * first) / line.quantity;
  const amount =
    step.amount === undefined ? paidFor(line.refunded + units) - paidFor(line.refunded) : BigInt(step.amount);
  if (amount > line.paid - line.refundedAmount) return "REFUND_EXCEEDS_CAPTURED";
  if (step.surprised) return "REFUND_AMOUNT_DIFFERS";
  if (order.step.card === "refundFails") {
    order.lastRefund = "PROVIDER_REFUSED";
    return order.lastRefund;
  }
  line.refunded += units;
  line.refundedAmount += amount;
  order.refunded += amount;
  if (step.restock) {
    order.restocked += units;
    if (order.sent) line.returned += units;
    else line.withdrawn += units;
  }
  order.status = order.refunded === order.captured ? "REFUNDED" : "PARTIALLY_REFUNDED";
  order.lastRefund = "ok";
  return "ok";
}
