// WatchPayments: the event log as a stream of messages. The log finds events by one kind of key; the other conditions are looked up in each.
import type { Call } from "#impl/runtime/call.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import {
  PaymentEvent,
  type WatchPaymentsRequest,
  type WatchPaymentsResponse,
} from "#proto/ecommerce/v1/payment.ts";
import { eventStream } from "../shared/event-stream.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { orderKey, paymentMessage, userKey } from "./payment-messages.ts";
import type { PaymentConditions } from "./payment-pages.ts";
import type { PaymentStore } from "./payment-store.ts";

const SNAPSHOT_BATCH = 200;

export interface PaymentWatch {
  readonly store: Pick<PaymentStore, "list">;
  readonly events: EventLog;
  readonly tokens: PageTokens;
}

export function watchPayments(
  { store, events, tokens }: PaymentWatch,
  request: WatchPaymentsRequest,
  call: Call,
): AsyncGenerator<WatchPaymentsResponse> {
  const conditions: PaymentConditions = {
    userId: request.userId === "" ? undefined : request.userId.toLowerCase(),
    orderIds: request.orderIds.map((id) => id.toLowerCase()).sort(),
    states: request.states.toSorted((one, other) => one - other),
    pendingOnly: false,
  };
  const keys = keysOf(conditions);
  return eventStream<WatchPaymentsResponse>({
    log: events,
    tokens,
    call,
    purpose: "payments.watch.1",
    boundTo: JSON.stringify(conditions),
    resumeToken: request.resumeToken,
    start: "now",
    heartbeatMs: millisecondsOf(request.heartbeatInterval),
    ...(keys === undefined ? {} : { keys }),
    update({ payload, time }) {
      const event = PaymentEvent.decode(payload);
      return matches(event, conditions) ? updateOf({ ...event, eventTime: new Date(time) }) : undefined;
    },
    heartbeat: (serverTime) => ({ event: { $case: "heartbeat", value: { serverTime } }, resumeToken: "" }),
    snapshot: (signal) => snapshot(store, conditions, signal),
  });
}

/** Orders are fewer than the payments of a user can be. */
function keysOf({ orderIds, userId }: PaymentConditions): string[] | undefined {
  if (orderIds.length > 0) return orderIds.map(orderKey);
  return userId === undefined ? undefined : [userKey(userId)];
}

/** Of the order the log has made sure. */
function matches({ payment }: PaymentEvent, { userId, states }: PaymentConditions): boolean {
  if (payment === undefined) return false;
  if (userId !== undefined && payment.userId !== userId) return false;
  return states.length === 0 || states.includes(payment.state);
}

function updateOf(event: PaymentEvent): WatchPaymentsResponse {
  return { event: { $case: "update", value: event }, resumeToken: "" };
}

async function* snapshot(
  store: Pick<PaymentStore, "list">,
  conditions: PaymentConditions,
  signal: AbortSignal,
): AsyncGenerator<WatchPaymentsResponse> {
  for (let after: string | undefined; ; ) {
    const payments = await store.list({ conditions, after, limit: SNAPSHOT_BATCH }, signal);
    for (const payment of payments) {
      const { updateTime } = payment;
      yield updateOf({
        payment: paymentMessage(payment),
        transaction: undefined,
        snapshot: true,
        eventTime: updateTime,
      });
    }
    if (payments.length < SNAPSHOT_BATCH) return;
    after = payments.at(-1)?.paymentId;
  }
}
