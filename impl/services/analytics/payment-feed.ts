import type { ClientOf } from "#impl/client/client.ts";
import {
  ListPaymentsRequest,
  type PaymentServiceDefinition,
  WatchPaymentsRequest,
  type WatchPaymentsResponse,
} from "#proto/ecommerce/v1/payment.ts";
import { FEED_HEARTBEAT, type Feed, type FeedMessage } from "./feed.ts";
import { occurrencesOfTransactions } from "./payment-occurrences.ts";

const PAGE = 500;

export type Payments = Pick<ClientOf<PaymentServiceDefinition>, "watchPayments" | "listPayments">;

export function paymentFeed(payments: Payments): Feed {
  return {
    source: "payments",
    async *watch(resumeToken, signal) {
      const request = WatchPaymentsRequest.fromPartial({ heartbeatInterval: FEED_HEARTBEAT, resumeToken });
      for await (const message of payments.watchPayments(request, { signal })) yield read(message);
    },
    async *list(signal) {
      for (let pageToken = ""; ; ) {
        const request = ListPaymentsRequest.fromPartial({ pageSize: PAGE, pageToken });
        const page = await payments.listPayments(request, { signal });
        yield page.payments.flatMap(({ transactions }) => occurrencesOfTransactions(transactions));
        pageToken = page.nextPageToken;
        if (pageToken === "") return;
      }
    },
  };
}

function read({ event, resumeToken }: WatchPaymentsResponse): FeedMessage {
  if (event?.$case !== "update") {
    return { occurrences: [], through: event?.value.serverTime?.getTime(), resumeToken };
  }
  const { payment, transaction, snapshot, eventTime } = event.value;
  if (snapshot) {
    const occurrences = occurrencesOfTransactions(payment?.transactions ?? []);
    return { occurrences, through: undefined, resumeToken };
  }
  const occurrences = occurrencesOfTransactions(transaction === undefined ? [] : [transaction]);
  return { occurrences, through: eventTime?.getTime(), resumeToken };
}
