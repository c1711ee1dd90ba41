// What tests ask of the payment service, with everything they do not care about filled in.

import type { CallOptions } from "#impl/client/client.ts";
import { present } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import {
  AuthorizePaymentRequest,
  CapturePaymentRequest,
  type CardDetails,
  type Payment,
  RefundPaymentRequest,
} from "#proto/ecommerce/v1/payment.ts";
import type { PaymentFixture } from "./payment-fixture.ts";

export const FAULTLESS = "4242424242424242";

/** An amount in cents. */
export function euros(cents: bigint): { currencyCode: string; units: bigint; nanos: number } {
  return { currencyCode: "EUR", units: cents / 100n, nanos: Number(cents % 100n) * 10_000_000 };
}

export function centsOf(money: Payment["amount"]): bigint {
  const { units, nanos } = present(money);
  return units * 100n + BigInt(nanos / 10_000_000);
}

export function cardOf(cardNumber: string): CardDetails {
  return { cardNumber, expiryMonth: 12, expiryYear: 2040, cvc: "123", holderName: "A. Customer" };
}

export interface Amount {
  readonly cents?: bigint | undefined;
  readonly requestId?: string;
  readonly final?: boolean;
}

export interface Asking {
  tokenOf(cardNumber: string): Promise<string>;
  authorizing(
    cardNumber: string,
    changes?: Partial<AuthorizePaymentRequest>,
  ): Promise<AuthorizePaymentRequest>;
  /** 10.00 EUR by default. */
  authorize(
    cardNumber?: string,
    changes?: Partial<AuthorizePaymentRequest>,
    options?: CallOptions,
  ): Promise<Payment>;
  capture(paymentId: string, amount?: Amount): Promise<Payment>;
  void(paymentId: string, requestId?: string): Promise<Payment>;
  refund(paymentId: string, amount?: Amount): Promise<Payment>;
  get(paymentId: string, options?: CallOptions): Promise<Payment>;
}

export function asking({ client }: PaymentFixture): Asking {
  const tokenOf = async (cardNumber: string): Promise<string> =>
    (await client.createPaymentMethod({ card: cardOf(cardNumber), requestId: "" })).paymentMethodToken;
  const authorizing: Asking["authorizing"] = async (cardNumber, changes = {}) =>
    AuthorizePaymentRequest.fromPartial({
      orderId: newId(),
      amount: euros(1_000n),
      source: { source: { $case: "paymentMethodToken", value: await tokenOf(cardNumber) } },
      requestId: newId(),
      ...changes,
    });
  return {
    tokenOf,
    authorizing,
    async authorize(cardNumber = FAULTLESS, changes = {}, options = {}) {
      const { payment } = await client.authorizePayment(await authorizing(cardNumber, changes), options);
      return present(payment);
    },
    async capture(paymentId, { cents, requestId = newId(), final = false } = {}) {
      const amount = cents === undefined ? undefined : euros(cents);
      const request = CapturePaymentRequest.fromPartial({ paymentId, amount, final, requestId });
      return present((await client.capturePayment(request)).payment);
    },
    async void(paymentId, requestId = newId()) {
      return present((await client.voidPayment({ paymentId, requestId })).payment);
    },
    async refund(paymentId, { cents, requestId = newId() } = {}) {
      const amount = cents === undefined ? undefined : euros(cents);
      const request = RefundPaymentRequest.fromPartial({ paymentId, amount, requestId });
      return present((await client.refundPayment(request)).payment);
    },
    async get(paymentId, options = {}) {
      return present((await client.getPayment({ paymentId }, options)).payment);
    },
  };
}
