// The requests that ask the provider for something. Each is recorded with the transaction that it begins, in one statement, and a repeat finds
// that transaction, whatever became of it: so one request id asks the provider for one thing, and gets one answer.
import { hash } from "node:crypto";
import type { Call } from "#impl/runtime/call.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import {
  AuthorizePaymentRequest,
  CapturePaymentRequest,
  RefundPaymentRequest,
  VoidPaymentRequest,
} from "#proto/ecommerce/v1/payment.ts";
import type { Money as MoneyMessage } from "#proto/google/type/money.ts";
import { moneyFromProto } from "../shared/money.ts";
import { type RecordKey, recordKeyOf, requestIdReused } from "../shared/request-id.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import { CAPTURE, PAYMENT_TYPE, type Payment, REFUND, type Transaction, VOID } from "./payment.ts";
import type { Attempts } from "./payment-attempts.ts";
import { begin, type NewTransaction, open } from "./payment-changes.ts";
import { currencyMismatch } from "./payment-errors.ts";
import type { PaymentMethods, TokenKey } from "./payment-methods.ts";
import { captureAmount, refundAmount, voidAmount } from "./payment-rules.ts";
import type { PaymentStore } from "./payment-store.ts";

export interface PaymentRequestOptions {
  readonly store: PaymentStore;
  readonly attempts: Attempts;
  readonly methods: PaymentMethods;
  readonly clock: Clock;
  readonly newId: NewId;
}

/** Each answers with the payment after what was asked for, as it was answered first. */
export interface PaymentRequests {
  authorize(request: AuthorizePaymentRequest, call: Call): Promise<Payment>;
  capture(request: CapturePaymentRequest, call: Call): Promise<Payment>;
  void(request: VoidPaymentRequest, call: Call): Promise<Payment>;
  refund(request: RefundPaymentRequest, call: Call): Promise<Payment>;
}

/** What a payment is asked for; undefined when there is nothing to do. */
type Decide = (
  payment: Payment,
  now: Date,
) => Pick<NewTransaction, "kind" | "amount" | "final" | "reason"> | undefined;

export function createPaymentRequests(options: PaymentRequestOptions): PaymentRequests {
  const { store, attempts, methods, clock, newId } = options;

  const ask = async (call: Call, paymentId: string, key: RecordKey, decide: Decide): Promise<Payment> => {
    const now = new Date(clock.now());
    const begun = await store.change(
      await existing(paymentId, call),
      (payment) => {
        if (requestedBy(payment, key) !== undefined) return undefined;
        const asked = decide(payment, now);
        if (asked === undefined) return undefined;
        return begin(payment, { ...asked, transactionId: newId(), request: key }, now);
      },
      call.signal,
    );
    if (begun !== undefined) return attempts.attempt(begun.payment, begun.transaction);
    const payment = await existing(paymentId, call);
    const repeated = requestedBy(payment, key);
    return repeated === undefined ? payment : answerAgain(payment, repeated, key);
  };

  const existing = async (paymentId: string, call: Call): Promise<Payment> => {
    const payment = await store.find(paymentId, call.signal);
    if (payment === undefined) throw notFound(PAYMENT_TYPE, paymentId);
    return payment;
  };

  const answerAgain = (payment: Payment, transaction: Transaction, key: RecordKey): Promise<Payment> => {
    const sameContent = key.fingerprint.equals(transaction.request.fingerprint);
    if (!sameContent) throw requestIdReused(key.requestId);
    return attempts.answer(payment, transaction);
  };

  const tokenOf = async (request: AuthorizePaymentRequest, call: Call): Promise<string> => {
    const source = required(request.source?.source);
    if (source.$case === "card") {
      return (await methods.create(source.value, cardKey(request, call), call)).token;
    }
    requireStorableText({ paymentMethodToken: source.value }, "source");
    return source.value;
  };

  return {
    async authorize(request, call) {
      const amount = moneyFromProto(required(request.amount), "amount");
      const token = await tokenOf(request, call);
      const content = {
        ...request,
        source: { source: { $case: "paymentMethodToken", value: token } as const },
      };
      const key = keyOf(AuthorizePaymentRequest, content, call);
      const opened = open(
        {
          paymentId: newId(),
          orderId: request.orderId.toLowerCase(),
          userId: request.userId === "" ? undefined : request.userId.toLowerCase(),
          amount,
        },
        { transactionId: newId(), request: key, token },
        new Date(clock.now()),
      );
      if (await store.open(opened, call.signal)) return attempts.attempt(opened.payment, opened.transaction);
      const payment = required(await store.findByRequest(key, call.signal));
      return answerAgain(payment, required(requestedBy(payment, key)), key);
    },

    capture(request, call) {
      const { paymentId, amount, final } = request;
      return ask(call, paymentId, keyOf(CapturePaymentRequest, request, call), (payment, now) => ({
        kind: CAPTURE,
        amount: captureAmount(payment, minorUnits(amount, payment), final, now),
        final,
      }));
    },

    void(request, call) {
      return ask(call, request.paymentId, keyOf(VoidPaymentRequest, request, call), (payment, now) => {
        const amount = voidAmount(payment, now);
        return amount === undefined ? undefined : { kind: VOID, amount };
      });
    },

    refund(request, call) {
      const { paymentId, amount, reason } = request;
      requireStorableText({ reason }, "");
      return ask(call, paymentId, keyOf(RefundPaymentRequest, request, call), (payment) => ({
        kind: REFUND,
        amount: refundAmount(payment, minorUnits(amount, payment)),
        reason,
      }));
    },
  };
}

function requestedBy({ transactions }: Payment, { scope, requestId }: RecordKey): Transaction | undefined {
  return transactions.find(({ request }) => request.requestId === requestId && request.scope === scope);
}

function minorUnits(amount: MoneyMessage | undefined, payment: Payment): bigint | undefined {
  if (amount === undefined) return undefined;
  const asked = moneyFromProto(amount, "amount");
  if (asked.currency !== payment.amount.currency) throw currencyMismatch(payment, asked.currency);
  return asked.minorUnits;
}

interface RequestType<Q> {
  encode(message: Q): { finish(): Uint8Array };
}

function keyOf<Q extends { readonly requestId: string }>(
  type: RequestType<Q>,
  request: Q,
  call: Call,
): RecordKey {
  const content = type.encode({ ...request, requestId: "" }).finish();
  return recordKeyOf({ call, requestId: request.requestId.toLowerCase(), content });
}

/** The same for a repeat of the request: the provider gives the same token again, and refuses another card. */
export function cardKey({ requestId }: { readonly requestId: string }, call: Call): TokenKey {
  const { scope } = recordKeyOf({ call, requestId, content: new Uint8Array(0) });
  return { key: `card_${hash("sha256", `${scope}\n${requestId.toLowerCase()}`, "hex")}`, requestId };
}

/** What the rules of the schema, or of the database, require, which no type says. */
function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a required value is absent");
  return value;
}
