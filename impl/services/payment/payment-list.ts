// ListPayments: from a request to a page of the store, and the token of the page that follows.
import type { Call } from "#impl/runtime/call.ts";
import type { ListPaymentsRequest, ListPaymentsResponse } from "#proto/ecommerce/v1/payment.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { paymentMessage } from "./payment-messages.ts";
import type { PaymentConditions } from "./payment-pages.ts";
import type { PaymentStore } from "./payment-store.ts";

const DEFAULT_PAGE_SIZE = 50;
const LARGEST_PAGE_SIZE = 500;

export interface PaymentListing {
  readonly store: Pick<PaymentStore, "list">;
  readonly tokens: PageTokens;
}

export async function listPayments(
  { store, tokens }: PaymentListing,
  request: ListPaymentsRequest,
  { signal }: Call,
): Promise<ListPaymentsResponse> {
  const conditions: PaymentConditions = {
    userId: request.userId === "" ? undefined : request.userId.toLowerCase(),
    orderIds: request.orderId === "" ? [] : [request.orderId.toLowerCase()],
    states: request.states.toSorted((one, other) => one - other),
    pendingOnly: request.pendingOnly,
  };
  const use = { purpose: "payments.list.1", field: "page_token", boundTo: JSON.stringify(conditions) };
  const after = request.pageToken === "" ? undefined : tokens.open(use, request.pageToken);
  const size = request.pageSize === 0 ? DEFAULT_PAGE_SIZE : Math.min(request.pageSize, LARGEST_PAGE_SIZE);
  // One more than is shown tells whether there is a page behind this one.
  const found = await store.list({ conditions, after, limit: size + 1 }, signal);
  const shown = found.slice(0, size);
  const last = found.length > size ? shown.at(-1) : undefined;
  return {
    payments: shown.map(paymentMessage),
    nextPageToken: last === undefined ? "" : tokens.seal(use, last.paymentId),
  };
}
