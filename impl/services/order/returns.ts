// Goods are asked to come back, and come back. What can be sold again is put into stock by a saga.
import type { HandlersOf } from "#impl/runtime/service.ts";
import {
  type LineQuantity,
  type OrderServiceDefinition,
  ReceiveReturnRequest,
  ReceiveReturnResponse,
  RequestReturnRequest,
  RequestReturnResponse,
  type ReturnedLine,
} from "#proto/ecommerce/v1/order_service.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import { isSent, type Order, type OrderLine } from "./order.ts";
import { type Decision, runCommand } from "./order-command.ts";
import { linesExceeded, wrongStatus } from "./order-errors.ts";
import type { OrderServiceContext } from "./order-service.ts";
import { requireLines } from "./refund.ts";
import type { ReturnSagaData } from "./saga/return-saga.ts";

export function returnHandlers(
  context: OrderServiceContext,
): Pick<HandlersOf<typeof OrderServiceDefinition>, "requestReturn" | "receiveReturn"> {
  return {
    requestReturn(request, call) {
      const { lines, reason } = request;
      requireStorableText({ reason }, "");
      const codecs = { request, type: RequestReturnRequest, response: RequestReturnResponse };
      const decide = (order: Order): Decision => ({ change: asked(order, lines), returnReason: reason });
      const event = { kind: "request_return" } as const;
      const what = "sent back";
      return runCommand(context, { ...codecs, permission: "orders.write", event, what, decide }, call);
    },
    receiveReturn(request, call) {
      const codecs = { request, type: ReceiveReturnRequest, response: ReceiveReturnResponse };
      const decide = (order: Order): Decision => received(order, request.lines);
      const event = { kind: "receive_return" } as const;
      const what = "received back";
      return runCommand(context, { ...codecs, permission: "orders.fulfil", event, what, decide }, call);
    },
  };
}

/** In place of what was asked for before and has not come. */
function asked(order: Order, wishes: readonly LineQuantity[]): Decision["change"] {
  if (!isSent(order)) throw wrongStatus(order, "sent back before it is sent");
  requireLines(order, wishes);
  const byNumber = new Map(wishes.map(({ lineNumber, quantity }) => [lineNumber, quantity]));
  const lines = order.lines.map((line) => withRequested(line, byNumber.get(line.lineNumber) ?? 0n));
  const tooMany = lines.filter((line) => requestable(line) < line.requestedQuantity);
  if (tooMany.length > 0) throw linesExceeded(order, numbersOf(tooMany), "fewer units are left to send back");
  return { lines };
}

function requestable({ quantity, returnedQuantity, withdrawnQuantity }: OrderLine): bigint {
  return quantity - returnedQuantity - withdrawnQuantity;
}

function received(order: Order, back: readonly ReturnedLine[]): Decision {
  requireLines(order, back);
  const byNumber = new Map(back.map((line) => [line.lineNumber, line.quantity]));
  const tooMany = order.lines.filter(
    ({ lineNumber, requestedQuantity }) => (byNumber.get(lineNumber) ?? 0n) > requestedQuantity,
  );
  if (tooMany.length > 0)
    throw linesExceeded(order, numbersOf(tooMany), "fewer units were asked to come back");
  const lines = order.lines.map((line) => {
    const quantity = byNumber.get(line.lineNumber) ?? 0n;
    const came = quantity === 0n ? line : { ...line, returnedQuantity: line.returnedQuantity + quantity };
    return withRequested(came, 0n);
  });
  const goods = back
    .filter(({ restock }) => restock)
    .map(({ lineNumber, quantity }) => [lineNumber, String(quantity)] as const);
  const data: ReturnSagaData = { goods };
  return { change: { lines }, ...(goods.length === 0 ? {} : { saga: { kind: "return", data } }) };
}

/** The line itself when that changes nothing. */
function withRequested(line: OrderLine, requestedQuantity: bigint): OrderLine {
  return line.requestedQuantity === requestedQuantity ? line : { ...line, requestedQuantity };
}

function numbersOf(lines: readonly OrderLine[]): number[] {
  return lines.map(({ lineNumber }) => lineNumber);
}
