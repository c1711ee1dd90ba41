// Fourth step: the reserved stock is sold and the money taken, in this order, since stock can be given back without anybody noticing.
// Undone by giving back both; what was still on its way is shut out by the void and the release of the steps before.
import { CallError } from "#impl/client/call-error.ts";
import { ReservationState } from "#proto/ecommerce/v1/inventory.ts";
import { TransactionKind } from "#proto/ecommerce/v1/payment.ts";
import { moneyToProto } from "../../shared/money.ts";
import type { Order } from "../order.ts";
import type { OrderChange } from "../order-change.ts";
import { orRefusal } from "./call-outcome.ts";
import { derivedId } from "./derived-id.ts";
import { capturedOf, insistentId, isFree, paymentOf, present, refundedOf, settled } from "./order-payment.ts";
import type { OrderStep, StepResult, StepServices } from "./order-step.ts";
import { refused } from "./refused.ts";
import {
  type OrderSagaData,
  putBackIntoStock,
  renewalsOf,
  reservationId,
  shortage,
  unitsOf,
} from "./reserved-stock.ts";
import { NotYet, type SagaTask } from "./saga.ts";

export const capture: OrderStep = {
  enter: { kind: "capture" },

  async run(task, services, signal) {
    const sold = await sell(task, services, signal);
    if (sold.kind !== "done" || isFree(task.order)) return sold;
    const taken = await takeMoney(task.order, services, signal);
    return taken.kind === "done" ? { kind: "done", change: { ...sold.change, ...taken.change } } : taken;
  },

  async undo(task, services, signal) {
    const change = isFree(task.order) ? {} : await giveMoneyBack(task.order, services, signal);
    await giveStockBack(task, services, signal);
    return change;
  },
};

async function sell(task: SagaTask, services: StepServices, signal: AbortSignal): Promise<StepResult> {
  const { order } = task;
  const reservation = await reservationId(task, services, signal);
  if (reservation instanceof CallError) {
    // The promise had run out, and somebody else has bought what was promised.
    const failure =
      reservation.reason === "INSUFFICIENT_STOCK"
        ? shortage(order, reservation, "fail")
        : refused(reservation, "fail", "the stock cannot be reserved again");
    return { kind: "failed", failure, clean: true };
  }
  const requestId = derivedId(order.orderId, `commit/${renewalsOf(task)}`);
  const answer = await orRefusal(
    services.inventory.commitReservation({ reservationId: reservation, requestId }, { signal }),
  );
  if (!(answer instanceof CallError)) return { kind: "done", change: { reservationId: reservation } };
  if (answer.reason === "RESERVATION_EXPIRED") {
    const data: OrderSagaData = { renewals: renewalsOf(task) + 1 };
    return { kind: "again", data };
  }
  return { kind: "failed", failure: refused(answer, "fail", "the stock cannot be sold"), clean: true };
}

async function takeMoney(order: Order, services: StepServices, signal: AbortSignal): Promise<StepResult> {
  const { orderId, paymentId = "", totals, currency } = order;
  const request = {
    paymentId,
    amount: moneyToProto({ minorUnits: totals.totalMinor, currency }),
    final: true,
    requestId: derivedId(orderId, "capture"),
  };
  const answer = await orRefusal(services.payments.capturePayment(request, { signal }));
  const what = "the payment was not captured";
  if (answer instanceof CallError) {
    return { kind: "failed", failure: refused(answer, "payment_failed", what), clean: false };
  }
  const payment = await settled(present(answer.payment), services, signal);
  if (capturedOf(payment) === totals.totalMinor) {
    return { kind: "done", change: { capturedMinor: totals.totalMinor } };
  }
  const failure = {
    end: "payment_failed",
    reason: "CAPTURE_FAILED",
    message: what,
    lineNumbers: [],
  } as const;
  return { kind: "failed", failure, clean: false };
}

async function giveMoneyBack(
  order: Order,
  services: StepServices,
  signal: AbortSignal,
): Promise<OrderChange> {
  const { orderId, paymentId = "", currency } = order;
  let payment = await settled(await paymentOf(paymentId, services, signal), services, signal);
  const capturedMinor = capturedOf(payment);
  const left = capturedMinor - refundedOf(payment);
  if (left > 0n) {
    const request = {
      paymentId,
      amount: moneyToProto({ minorUnits: left, currency }),
      reason: `order ${orderId} is undone`,
      requestId: insistentId(order, payment, TransactionKind.TRANSACTION_KIND_REFUND),
    };
    const answer = await services.payments.refundPayment(request, { signal });
    payment = await settled(present(answer.payment), services, signal);
    if (refundedOf(payment) < capturedMinor) throw new NotYet(`payment ${paymentId} is not given back`);
  }
  return { capturedMinor, refundedMinor: capturedMinor };
}

async function giveStockBack(task: SagaTask, services: StepServices, signal: AbortSignal): Promise<void> {
  const { order } = task;
  const id = await reservationId(task, services, signal);
  if (id instanceof CallError) return;
  const { reservation } = await services.inventory.getReservation({ reservationId: id }, { signal });
  if (reservation?.state !== ReservationState.RESERVATION_STATE_COMMITTED) return;
  const goods = unitsOf(order).map(({ productId, quantity }) => ({
    productId,
    quantity,
    requestId: derivedId(order.orderId, `undo/${productId}`),
  }));
  await putBackIntoStock(goods, `order ${order.orderId} is undone`, services, signal, (refusal) => {
    throw refusal;
  });
}
