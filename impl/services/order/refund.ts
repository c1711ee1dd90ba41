// What a refund gives back for the lines of an order, and what it does to them. Pure. A line bears at most one refund at a time, so
// that the units of a line are given back in their order and the parts of a line add up to what was paid for it exactly.
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import { invalidArgument, RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import type { RefundLine } from "#proto/ecommerce/v1/order_service.ts";
import { formatAmount, moneyFromProto, readMoney } from "../shared/money.ts";
import { isSent, type Order, type OrderLine } from "./order.ts";
import { linesExceeded, refusedByOrder } from "./order-errors.ts";
import { partOfUnits } from "./proportional-parts.ts";

export interface RefundedLine {
  readonly lineNumber: number;
  readonly quantity: bigint;
  readonly minorUnits: bigint;
  readonly restock: boolean;
}

/** A line has a refund under way: to be asked again when that has ended. */
export class LineBusy extends Error {
  readonly lineNumbers: readonly number[];

  constructor(lineNumbers: readonly number[]) {
    super(`lines ${lineNumbers.join(", ")} have a refund under way`);
    this.name = "LineBusy";
    this.lineNumbers = lineNumbers;
  }
}

/**
 * What is to be given back. Throws INVALID_ARGUMENT for a line that is not there or an amount of another currency, LineBusy, and
 * FAILED_PRECONDITION or ABORTED when the lines do not bear it or it is not what was expected.
 */
export function planRefund(order: Order, asked: readonly RefundLine[]): RefundedLine[] {
  requireLines(order, asked);
  requireCurrency(order, asked);
  const pairs = asked.map((wish) => ({ wish, line: lineOf(order, wish.lineNumber) }));
  const numbers = (wrong: typeof pairs): number[] => wrong.map(({ line }) => line.lineNumber);
  const busy = pairs.filter(({ line }) => line.refundingQuantity > 0n);
  if (busy.length > 0) throw new LineBusy(numbers(busy));
  const tooMany = pairs.filter(({ wish, line }) => wish.quantity > line.quantity - line.refundedQuantity);
  if (tooMany.length > 0) throw linesExceeded(order, numbers(tooMany), "fewer units are left to refund");
  const gone = pairs.filter(({ wish, line }) => wish.restock && wish.quantity > unitsOut(line));
  if (gone.length > 0)
    throw linesExceeded(order, numbers(gone), "fewer units are left to put back into stock");
  const planned = pairs.map(({ wish, line }) => ({
    lineNumber: line.lineNumber,
    quantity: wish.quantity,
    minorUnits: amountOf(order, wish, line),
    restock: wish.restock,
  }));
  for (const [index, { wish }] of pairs.entries())
    requireExpected(order, wish, planned[index]?.minorUnits ?? 0n);
  return planned;
}

/** Units that have neither come back nor stayed here. */
export function unitsOut({
  quantity,
  returnedQuantity,
  withdrawnQuantity,
  requestedQuantity,
}: OrderLine): bigint {
  return quantity - returnedQuantity - withdrawnQuantity - requestedQuantity;
}

function amountOf(order: Order, { quantity, amount }: RefundLine, line: OrderLine): bigint {
  const { paidMinor, refundedMinor, refundedQuantity } = line;
  const left = paidMinor - refundedMinor;
  const minorUnits =
    amount === undefined
      ? partOfUnits(paidMinor, line.quantity, refundedQuantity, quantity)
      : moneyFromProto(amount, "lines.amount").minorUnits;
  if (minorUnits <= left) return minorUnits;
  const { currency } = order;
  const shown = (minor: bigint): string => `${formatAmount({ minorUnits: minor, currency })} ${currency}`;
  const description = `line ${line.lineNumber}: ${shown(minorUnits)} are asked for, and ${shown(left)} are left`;
  throw refusedByOrder(order, "REFUND_EXCEEDS_CAPTURED", description);
}

function requireExpected(order: Order, { lineNumber, expectedAmount }: RefundLine, minorUnits: bigint): void {
  if (expectedAmount === undefined) return;
  if (moneyFromProto(expectedAmount, "lines.expected_amount").minorUnits === minorUnits) return;
  const { currency, orderId } = order;
  const amount = formatAmount({ minorUnits, currency });
  throw new RpcError({
    code: Code.ABORTED,
    reason: "REFUND_AMOUNT_DIFFERS",
    message: `line ${lineNumber}: ${amount} ${currency} would be refunded, which is not what is expected`,
    values: { order_id: orderId, line_number: String(lineNumber), amount, currency },
  });
}

/** Throws INVALID_ARGUMENT naming every line that the order does not have. */
export function requireLines(order: Order, asked: readonly { readonly lineNumber: number }[]): void {
  const violations = asked.flatMap(({ lineNumber }, index): FieldViolation[] => {
    if (lineNumber <= order.lines.length) return [];
    const description = `${lineNumber}: the order has ${order.lines.length} lines`;
    return [{ field: `lines[${index}].line_number`, description, reason: "order.unknown_line" }];
  });
  if (violations.length > 0) throw invalidArgument(violations);
}

function requireCurrency({ currency }: Order, asked: readonly RefundLine[]): void {
  const violations = asked.flatMap(({ amount, expectedAmount }, index) =>
    Object.entries({ amount, expected_amount: expectedAmount }).flatMap(([name, money]): FieldViolation[] => {
      if (money === undefined) return [];
      const field = `lines[${index}].${name}`;
      const read = readMoney(money, field);
      if ("reason" in read) return [read];
      const description = `is in ${read.currency}, and the order in ${currency}`;
      return read.currency === currency ? [] : [{ field, description, reason: "order.currency" }];
    }),
  );
  if (violations.length > 0) throw invalidArgument(violations);
}

export function lineOf(order: Order, lineNumber: number): OrderLine {
  const line = order.lines[lineNumber - 1];
  if (line === undefined) throw new TypeError(`order ${order.orderId} has no line ${lineNumber}`);
  return line;
}

export function refundTotal(lines: readonly RefundedLine[]): bigint {
  return lines.reduce((sum, { minorUnits }) => sum + minorUnits, 0n);
}

/** Each changed line as it is once the refund is under way. */
export function linesUnderRefund(order: Order, lines: readonly RefundedLine[]): OrderLine[] {
  return changeLines(order, lines, (line, { quantity, minorUnits }) => ({
    ...line,
    refundingQuantity: quantity,
    refundingMinor: minorUnits,
  }));
}

/** All lines of the order once the refund is done. */
export function linesRefunded(order: Order, lines: readonly RefundedLine[]): OrderLine[] {
  const sent = isSent(order);
  return changeLines(order, lines, (line, { quantity, minorUnits, restock }) => ({
    ...line,
    refundingQuantity: 0n,
    refundingMinor: 0n,
    refundedQuantity: line.refundedQuantity + quantity,
    refundedMinor: line.refundedMinor + minorUnits,
    returnedQuantity: line.returnedQuantity + (restock && sent ? quantity : 0n),
    withdrawnQuantity: line.withdrawnQuantity + (restock && !sent ? quantity : 0n),
  }));
}

/** All lines of the order once the refund has failed. */
export function linesNotRefunded(order: Order, lines: readonly RefundedLine[]): OrderLine[] {
  return changeLines(order, lines, (line) => ({ ...line, refundingQuantity: 0n, refundingMinor: 0n }));
}

function changeLines(
  { lines }: Order,
  refunded: readonly RefundedLine[],
  change: (line: OrderLine, refund: RefundedLine) => OrderLine,
): OrderLine[] {
  const byNumber = new Map(refunded.map((refund) => [refund.lineNumber, refund]));
  return lines.map((line) => {
    const refund = byNumber.get(line.lineNumber);
    return refund === undefined ? line : change(line, refund);
  });
}

/** Whether another refund of the order is still under way. */
export function isRefunding(lines: readonly OrderLine[]): boolean {
  return lines.some(({ refundingQuantity }) => refundingQuantity > 0n);
}
