// Cards to tokens. A card passes through here on its way to the provider and leaves nothing behind: it is in no error, no log and no table.
import type { Call } from "#impl/runtime/call.ts";
import type { CardDetails } from "#proto/ecommerce/v1/payment.ts";
import { requestIdReused } from "../shared/request-id.ts";
import { cardDeclined, providerRefused, providerUnavailable } from "./payment-errors.ts";
import type { PaymentMethod, PaymentProvider } from "./provider-port.ts";

export interface TokenKey {
  /** The same key gives the same token. */
  readonly key: string;
  /** Of the request that the card came with; empty when it has none, and a key of its own. */
  readonly requestId: string;
}

export interface PaymentMethods {
  /**
   * FAILED_PRECONDITION when it cannot be a card, ALREADY_EXISTS when the request came with another one before, UNAVAILABLE when the provider
   * does not answer.
   */
  create(card: CardDetails, key: TokenKey, call: Call): Promise<PaymentMethod>;
}

export function createPaymentMethods(provider: PaymentProvider): PaymentMethods {
  return {
    async create(card, { key, requestId }, { signal }) {
      const method = await provider.tokenize(card, key, signal);
      switch (method.kind) {
        case "token":
          return method;
        case "declined":
          throw cardDeclined(method.declineCode);
        case "failed":
          throw providerRefused(method.failureCode);
        case "other_card":
          throw requestIdReused(requestId);
        case "unknown":
          throw providerUnavailable(method.cause);
      }
    },
  };
}
