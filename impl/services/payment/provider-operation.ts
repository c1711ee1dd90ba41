// What the provider is asked for a transaction: the same for the first attempt and for every repeat, under the transaction's id as the key.
import { AUTHORIZE, CAPTURE, type Payment, REFUND, type Transaction, VOID } from "./payment.ts";
import type { ProviderOperation } from "./provider-port.ts";

export function operationOf(payment: Payment, transaction: Transaction): ProviderOperation {
  const { transactionId: key, kind, amount, final, token } = transaction;
  if (kind === AUTHORIZE) {
    if (token === undefined) throw new Error(`transaction ${key} is settled and cannot be sent again`);
    return { kind: "authorize", key, token, amount: payment.amount, orderId: payment.orderId };
  }
  const { authorization } = payment;
  if (authorization === undefined) throw new Error(`payment ${payment.paymentId} is not authorized`);
  switch (kind) {
    case CAPTURE:
      return { kind: "capture", key, authorization, amount, final };
    case VOID:
      return { kind: "void", key, authorization };
    case REFUND:
      return { kind: "refund", key, authorization, amount };
    default:
      throw new RangeError(`transaction kind ${kind}: is none`);
  }
}
