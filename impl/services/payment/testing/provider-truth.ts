// What really happened, asked of the provider and not of the books, in a form in which the two can be compared.
import type { Operation, OperationKind } from "#impl/payment-provider/operation.ts";
import type { TestProvider } from "#impl/payment-provider/testing/provider-fixture.ts";
import { type Payment, PaymentState } from "#proto/ecommerce/v1/payment.ts";
import { centsOf } from "./asking.ts";

export interface Truth {
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly held: boolean;
}

export interface ProviderTruth {
  /** Of one payment for its order. */
  of(payment: Payment): Promise<Truth>;
  booksOf(payment: Payment): Truth;
  /** Those for an order that were done. */
  operations(orderId: string, kind?: OperationKind): Promise<Operation[]>;
}

interface Page {
  readonly operations: readonly Operation[];
  readonly has_more: boolean;
}

interface Authorization {
  readonly captured: string;
  readonly refunded: string;
  readonly status: string;
}

export function truthOf(provider: TestProvider): ProviderTruth {
  /** The cage: the provider's API is what the tests of the provider say. */
  const read = async <T>(path: string): Promise<T> => {
    const { url, apiKey } = provider.process();
    const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${apiKey}` } });
    return (await response.json()) as T;
  };
  const operations: ProviderTruth["operations"] = async (orderId, kind) => {
    const all: Operation[] = [];
    for (let more = true; more; ) {
      const after = all.at(-1)?.id;
      const page = await read<Page>(
        `/v1/operations?limit=1000${after === undefined ? "" : `&after=${after}`}`,
      );
      all.push(...page.operations);
      more = page.has_more;
    }
    return all.filter(
      (each) =>
        each.order_reference === orderId && each.status === "succeeded" && (kind ?? each.kind) === each.kind,
    );
  };
  return {
    operations,
    async of({ orderId }) {
      const [authorized] = await operations(orderId, "authorize");
      if (authorized === undefined) return { captured: 0n, refunded: 0n, held: false };
      const { captured, refunded, status } = await read<Authorization>(`/v1/authorizations/${authorized.id}`);
      return { captured: BigInt(captured), refunded: BigInt(refunded), held: status === "held" };
    },
    booksOf({ state, capturedAmount, refundedAmount, authorizationExpireTime }) {
      const held = authorizationExpireTime !== undefined && state !== PaymentState.PAYMENT_STATE_PENDING;
      return { captured: centsOf(capturedAmount), refunded: centsOf(refundedAmount), held };
    },
  };
}
