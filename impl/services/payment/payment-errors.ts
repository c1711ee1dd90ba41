// The errors of payments. None of them holds card data or a token; amounts and ids are the caller's own.
import { failedPrecondition, RpcError, unavailable } from "#impl/runtime/rpc-error.ts";
import { formatAmount } from "../shared/money.ts";
import type { Payment, Transaction } from "./payment.ts";

export function paymentPending({ paymentId }: Payment): RpcError {
  return failedPrecondition(
    "PAYMENT_PENDING",
    paymentId,
    "the outcome of the authorization is not known yet: ask again when it is settled",
  );
}

export function transactionPending({ paymentId }: Payment): RpcError {
  return failedPrecondition(
    "TRANSACTION_PENDING",
    paymentId,
    "the outcome of another transaction of the payment is not known yet: ask again when it is settled",
  );
}

export function nothingHeld({ paymentId }: Payment): RpcError {
  return failedPrecondition("NOTHING_HELD", paymentId, "the payment holds no amount");
}

export function authorizationExpired({ paymentId }: Payment): RpcError {
  return failedPrecondition("AUTHORIZATION_EXPIRED", paymentId, "the authorization has run out");
}

export function nothingToRefund({ paymentId }: Payment): RpcError {
  return failedPrecondition(
    "NOTHING_TO_REFUND",
    paymentId,
    "nothing was captured that is not given back or being given back",
  );
}

export function amountTooLarge({ paymentId, amount }: Payment, asked: bigint, available: bigint): RpcError {
  const { currency } = amount;
  const shown = (minorUnits: bigint) => `${formatAmount({ minorUnits, currency })} ${currency}`;
  return withValues(
    failedPrecondition(
      "AMOUNT_TOO_LARGE",
      paymentId,
      `${shown(asked)} were asked for, and ${shown(available)} are left`,
    ),
    { asked: asked.toString(), available: available.toString(), currency },
  );
}

export function currencyMismatch({ paymentId, amount }: Payment, asked: string): RpcError {
  return withValues(
    failedPrecondition(
      "CURRENCY_MISMATCH",
      paymentId,
      `the amount is in ${asked}, and the payment in ${amount.currency}`,
    ),
    { asked, currency: amount.currency },
  );
}

/** The provider refused the payer's card. The code is the provider's. */
export function cardDeclined(declineCode: string, subject = ""): RpcError {
  const text = `the card was declined: ${declineCode}`;
  return withValues(failedPrecondition("CARD_DECLINED", subject, text), { decline_code: declineCode });
}

/** The provider did not do it, and will not, for a reason that is not the payer's card. */
export function providerRefused(failureCode: string, subject = ""): RpcError {
  const text = `the payment provider did not do it: ${failureCode}`;
  return withValues(failedPrecondition("PROVIDER_REFUSED", subject, text), { failure_code: failureCode });
}

/** What a transaction with a bad end is answered with, the first time and every other time. */
export function transactionError(payment: Payment, { declineCode, failureCode }: Transaction): RpcError {
  return declineCode === ""
    ? providerRefused(failureCode, payment.paymentId)
    : cardDeclined(declineCode, payment.paymentId);
}

const RETRY_DELAY_MS = 1_000;

/** Nothing of the call happened that matters: no money was asked for. */
export function providerUnavailable(cause: Error): RpcError {
  return unavailable("PROVIDER_UNAVAILABLE", "the payment provider does not answer", RETRY_DELAY_MS, cause);
}

/** What the provider says and what the books say cannot both be true. For people to look at; nothing is changed. */
export class BooksMismatch extends Error {
  readonly paymentId: string;

  constructor(paymentId: string, what: string) {
    super(`payment ${paymentId}: the provider says what the books cannot hold: ${what}`);
    this.name = "BooksMismatch";
    this.paymentId = paymentId;
  }
}

function withValues(error: RpcError, values: Readonly<Record<string, string>>): RpcError {
  const { code, reason, message, details } = error;
  return new RpcError({ code, reason, message, details, values: { ...error.values, ...values } });
}
