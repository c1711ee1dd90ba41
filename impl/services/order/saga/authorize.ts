// Second step: the amount is held on the payer's account. Undone by letting go of it.
import { CallError } from "#impl/client/call-error.ts";
import { type Payment, PaymentState, TransactionKind } from "#proto/ecommerce/v1/payment.ts";
import type { Order } from "../order.ts";
import { orRefusal } from "./call-outcome.ts";
import { authorizedPayment, insistentId, isFree, paymentOf, present, settled } from "./order-payment.ts";
import type { OrderStep, StepResult, StepServices } from "./order-step.ts";
import { refused } from "./refused.ts";
import { NotYet } from "./saga.ts";

/** The token is of no more use, and not kept. */
const NO_TOKEN = { paymentToken: undefined };

export const authorize: OrderStep = {
  enter: { kind: "authorize" },

  async run({ order }, services, signal) {
    if (isFree(order)) return { kind: "done", change: NO_TOKEN };
    const answer = await authorizedPayment(order, services, signal);
    if (answer instanceof CallError) {
      const failure = refused(answer, "payment_failed", "the payment was not authorized");
      return { kind: "failed", failure, clean: true };
    }
    return resultOf(await settled(answer, services, signal));
  },

  async undo({ order }, services, signal) {
    if (isFree(order)) return NO_TOKEN;
    // One that nobody has heard of may still be on its way: the same request finds it, or makes it, to be let go.
    const payment =
      order.paymentId === undefined
        ? await authorizedPayment(order, services, signal)
        : await paymentOf(order.paymentId, services, signal);
    if (payment instanceof CallError) return NO_TOKEN;
    await letGo(order, await settled(payment, services, signal), services, signal);
    return { ...NO_TOKEN, paymentId: payment.paymentId };
  },
};

function resultOf({ paymentId, state }: Payment): StepResult {
  if (state === PaymentState.PAYMENT_STATE_AUTHORIZED) {
    return { kind: "done", change: { ...NO_TOKEN, paymentId } };
  }
  const reason = state === PaymentState.PAYMENT_STATE_DECLINED ? "CARD_DECLINED" : "PAYMENT_FAILED";
  const message = "the payment was not authorized";
  return {
    kind: "failed",
    failure: { end: "payment_failed", reason, message, lineNumbers: [] },
    clean: true,
  };
}

async function letGo(
  order: Order,
  payment: Payment,
  services: StepServices,
  signal: AbortSignal,
): Promise<void> {
  const { paymentId } = payment;
  switch (payment.state) {
    case PaymentState.PAYMENT_STATE_AUTHORIZED: {
      const requestId = insistentId(order, payment, TransactionKind.TRANSACTION_KIND_VOID);
      const answer = await orRefusal(services.payments.voidPayment({ paymentId, requestId }, { signal }));
      if (!(answer instanceof CallError)) await settled(present(answer.payment), services, signal);
      else if (answer.reason !== "AUTHORIZATION_EXPIRED") throw answer;
      return;
    }
    case PaymentState.PAYMENT_STATE_PARTIALLY_CAPTURED:
    case PaymentState.PAYMENT_STATE_CAPTURED:
    case PaymentState.PAYMENT_STATE_PARTIALLY_REFUNDED:
      // A capture that was on its way has arrived since the step that captures was undone: all over again.
      throw new NotYet(`payment ${paymentId} was captured meanwhile`);
    default:
      return;
  }
}
