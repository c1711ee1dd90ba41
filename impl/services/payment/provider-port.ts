// What the service needs of a payment provider, whoever it is. Invariant: an outcome is only ever what the provider said of the operation
// itself; everything else (no answer, half an answer, an error of its own, "come again") is unknown, and nobody guesses.
import type { CardDetails } from "#proto/ecommerce/v1/payment.ts";
import type { Money } from "../shared/money.ts";
import type { Card } from "./payment.ts";

/**
 * What the provider is asked to do. It does an operation at most once for a `key`, and answers every repeat with the first answer. Amounts
 * are minor units.
 */
export type ProviderOperation =
  | {
      readonly kind: "authorize";
      readonly key: string;
      readonly token: string;
      readonly amount: Money;
      readonly orderId: string;
    }
  | {
      readonly kind: "capture";
      readonly key: string;
      /** The provider's reference of the authorization. */
      readonly authorization: string;
      readonly amount: bigint;
      readonly final: boolean;
    }
  | { readonly kind: "void"; readonly key: string; readonly authorization: string }
  | {
      readonly kind: "refund";
      readonly key: string;
      readonly authorization: string;
      readonly amount: bigint;
    };

/** Final: the provider will never say otherwise. `reference` is its own id of the operation, empty when it made none. */
export type Outcome =
  | { readonly kind: "succeeded"; readonly reference: string; readonly authorization?: AuthorizationTerms }
  | { readonly kind: "declined"; readonly reference: string; readonly declineCode: string }
  | { readonly kind: "failed"; readonly reference: string; readonly failureCode: string };

export type Refusal = Outcome & { readonly kind: "declined" | "failed" };

/** Of an authorization that succeeded. */
export interface AuthorizationTerms {
  readonly card: Card;
  readonly expireTime: Date;
}

/** It may have been done, or not, or will be. The cause is for logs, and holds nothing of the request. */
export interface Unknown {
  readonly kind: "unknown";
  readonly cause: Error;
}

export interface PaymentMethod {
  readonly kind: "token";
  readonly token: string;
  readonly card: Card;
  readonly expireTime: Date;
}

/** None of these rejects for what the provider or the network does, and none repeats a request. */
export interface PaymentProvider {
  /** The card goes to the provider, and is let go of. "other_card": the key was used with another one. */
  tokenize(
    card: CardDetails,
    key: string,
    signal?: AbortSignal,
  ): Promise<PaymentMethod | Refusal | { readonly kind: "other_card" } | Unknown>;
  execute(operation: ProviderOperation, signal?: AbortSignal): Promise<Outcome | Unknown>;
  /** What became of the operation with the key. "not_found" says that it is not done, and not that it will not be. */
  find(key: string, signal?: AbortSignal): Promise<Outcome | { readonly kind: "not_found" } | Unknown>;
  /** Whether an authorization still holds what was not captured. */
  holdOf(
    authorization: string,
    signal?: AbortSignal,
  ): Promise<{ readonly kind: "held" | "released" | "expired" } | Unknown>;
}
