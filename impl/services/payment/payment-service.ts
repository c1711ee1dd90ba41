// PaymentService: from messages to payments and back. What a caller may do by the policy of the method was checked before; whose payment it is
// is known only here.
import type { Call } from "#impl/runtime/call.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import { implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { type CardDetails, PaymentServiceDefinition } from "#proto/ecommerce/v1/payment.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { PAYMENT_TYPE, type Payment } from "./payment.ts";
import type { Attempts } from "./payment-attempts.ts";
import { listPayments } from "./payment-list.ts";
import { paymentMessage } from "./payment-messages.ts";
import { createPaymentMethods } from "./payment-methods.ts";
import { cardKey, createPaymentRequests } from "./payment-requests.ts";
import type { PaymentStore } from "./payment-store.ts";
import { watchPayments } from "./payment-watch.ts";
import type { ProviderEvents } from "./provider-events.ts";
import type { PaymentProvider } from "./provider-port.ts";

export interface PaymentServiceOptions {
  readonly store: PaymentStore;
  readonly provider: PaymentProvider;
  readonly attempts: Attempts;
  readonly providerEvents: ProviderEvents;
  /** Of the schema "payments". */
  readonly events: EventLog;
  /** For page and resume tokens. */
  readonly tokens: PageTokens;
  /** False only when authentication is switched off, so that nobody is known: then everyone may see everything. */
  readonly accessChecked: boolean;
  readonly clock: Clock;
  readonly newId: NewId;
}

const READ_PAYMENTS = "payments.read";

export function createPaymentService(options: PaymentServiceOptions): ServiceImplementation {
  const { store, provider, attempts, providerEvents, events, tokens, accessChecked, clock, newId } = options;
  const methods = createPaymentMethods(provider);
  const requests = createPaymentRequests({ store, attempts, methods, clock, newId });
  const answer = async (payment: Promise<Payment>) => ({ payment: paymentMessage(await payment) });

  return implement(PaymentServiceDefinition, {
    async createPaymentMethod({ card, requestId }, call) {
      const key = requestId === "" ? { key: newId(), requestId } : cardKey({ requestId }, call);
      const { token, card: shown, expireTime } = await methods.create(requiredCard(card), key, call);
      return { paymentMethodToken: token, card: shown, expireTime };
    },
    authorizePayment: (request, call) => answer(requests.authorize(request, call)),
    capturePayment: (request, call) => answer(requests.capture(request, call)),
    voidPayment: (request, call) => answer(requests.void(request, call)),
    refundPayment: (request, call) => answer(requests.refund(request, call)),
    async getPayment({ paymentId }, call) {
      const payment = await store.find(paymentId, call.signal);
      // To others it is not there: that there is a payment is nobody's business.
      if (payment === undefined || (accessChecked && !maySee(payment, call))) {
        throw notFound(PAYMENT_TYPE, paymentId);
      }
      return { payment: paymentMessage(payment) };
    },
    listPayments: (request, call) => listPayments({ store, tokens }, request, call),
    watchPayments: (request, call) => watchPayments({ store, events, tokens }, request, call),
    async receiveProviderEvent(request, { signal }) {
      await providerEvents.receive(request, signal);
      return {};
    },
  });
}

function maySee({ userId }: Payment, { principal }: Call): boolean {
  if (principal === undefined) return false;
  return principal.permissions.has(READ_PAYMENTS) || principal.userId.toLowerCase() === userId;
}

function requiredCard(card: CardDetails | undefined): CardDetails {
  if (card === undefined) throw new Error("the card is absent: the request was not validated");
  return card;
}
