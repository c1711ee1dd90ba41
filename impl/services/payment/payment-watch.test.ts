import { sql } from "kysely";
import { afterAll, expect, test, vi } from "vitest";
import { failure, present } from "#impl/client/testing/answers.ts";
import { cardSuffering } from "#impl/payment-provider/test-cards.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { ResumeExpired } from "#proto/ecommerce/v1/event.ts";
import {
  PaymentState,
  WatchPaymentsRequest,
  type WatchPaymentsResponse,
} from "#proto/ecommerce/v1/payment.ts";
import { Status } from "#proto/google/rpc/status.ts";
import { asking } from "./testing/asking.ts";
import { as, startPayments } from "./testing/payment-fixture.ts";

// Events are forgotten where they are stored, and so not to be found in memory.
const fixture = await startPayments({ eventLimits: { ringEvents: 1 } });
const { client, database, events, reconcile } = fixture;
const { authorize, capture, get, void: cancel } = asking(fixture);
const open = new Set<AbortController>();
afterAll(() => {
  for (const stream of open) stream.abort();
});

const subscribed = vi.spyOn(events, "subscribe");

/** A stream that follows: what happens from now on is in it. With a token it may also fail before. */
async function watch(request: Partial<WatchPaymentsRequest>, options = {}) {
  const before = subscribed.mock.calls.length;
  const stop = new AbortController();
  open.add(stop);
  const stream = client.watchPayments(WatchPaymentsRequest.fromPartial(request), {
    ...options,
    signal: stop.signal,
  });
  const messages = stream[Symbol.asyncIterator]();
  const next = async (): Promise<WatchPaymentsResponse> => present((await messages.next()).value);
  if (request.resumeToken === undefined) await until(() => subscribed.mock.calls.length > before);
  return {
    stop: () => stop.abort(),
    next,
    async states(count: number): Promise<PaymentState[]> {
      const seen: PaymentState[] = [];
      while (seen.length < count) seen.push(present(updateOf(await next()).payment).state);
      return seen;
    },
  };
}

function updateOf({ event }: WatchPaymentsResponse) {
  if (event?.$case !== "update") throw new Error(`the message is ${event?.$case}`);
  return event.value;
}

const {
  PAYMENT_STATE_PENDING: pending,
  PAYMENT_STATE_AUTHORIZED: authorized,
  PAYMENT_STATE_PARTIALLY_CAPTURED: partlyCaptured,
  PAYMENT_STATE_CAPTURED: captured,
} = PaymentState;

test("every change of an order's payment comes once, in order, with what changed it", async () => {
  const orderIds = [newId()];
  const stream = await watch({ orderIds });
  const payment = await authorize(cardSuffering("capture", "answer_lost"), { orderId: orderIds[0] ?? "" });
  await authorize();
  await capture(payment.paymentId, { cents: 300n });
  await reconcile();
  await cancel(payment.paymentId);

  const seen = [];
  const { resumeToken, ...first } = await stream.next();
  seen.push(updateOf({ ...first, resumeToken }));
  const resumed = await watch({ orderIds, resumeToken });
  for (let n = 1; n < 6; n++) {
    const message = await stream.next();
    expect(updateOf(await resumed.next())).toEqual(updateOf(message));
    seen.push(updateOf(message));
  }
  expect(seen.map((event) => event.payment?.state)).toEqual([
    ...[pending, authorized, authorized, partlyCaptured],
    ...[partlyCaptured, captured],
  ]);
  expect(seen.map((event) => event.payment?.pendingTransaction)).toEqual([
    true,
    false,
    true,
    false,
    true,
    false,
  ]);
  expect(seen.at(-1)?.payment).toEqual(await get(payment.paymentId));
  for (const { payment: shown, transaction, snapshot, eventTime } of seen) {
    expect(shown?.transactions).toContainEqual(transaction);
    expect(snapshot).toBe(false);
    expect(eventTime).toBeInstanceOf(Date);
  }
  stream.stop();
  resumed.stop();
});

test("a stream is restricted by user and by state, and is for the user itself", async () => {
  const [userId, orderId] = [newId(), newId()];
  const [ofUser, ofBoth] = [
    { userId, states: [captured] },
    { userId, orderIds: [orderId] },
  ];
  const stream = await watch(ofUser, as(userId));
  const both = await watch(ofBoth);
  await capture((await authorize(undefined, { userId, orderId })).paymentId);
  await capture((await authorize(undefined, { userId })).paymentId, { cents: 1n, final: true });
  await authorize(undefined, { orderId });
  expect(await stream.states(2)).toEqual([captured, captured]);
  expect(await both.states(4)).toEqual([pending, authorized, authorized, captured]);
  const foreign = client.watchPayments(WatchPaymentsRequest.fromPartial({ userId: newId() }), as(userId));
  expect(await failure(Array.fromAsync(foreign))).toMatchObject({ code: Code.PERMISSION_DENIED });
  stream.stop();
  both.stop();
});

test("a token whose events are gone ends with one that begins with the present state", async () => {
  const userId = newId();
  const early = await watch({ userId });
  await capture((await authorize(undefined, { userId })).paymentId);
  const { resumeToken } = await early.next();
  early.stop();
  await authorize(undefined, { userId });
  const head = await events.head();
  await sql`delete from payments.outbox`.execute(database.queries);
  await sql`update payments.outbox_head set purged_through = ${head}`.execute(database.queries);
  const error = await failure((await watch({ userId, resumeToken })).next());
  expect(error.code).toBe(Code.OUT_OF_RANGE);
  const details = Status.decode(error.trailers.get("grpc-status-details-bin")[0] as Buffer).details;
  const expired = details.find(({ typeUrl }) => typeUrl.endsWith("ResumeExpired"));
  const { snapshotToken } = ResumeExpired.decode(present(expired).value);
  const stream = await watch({ userId, resumeToken: snapshotToken });
  const seen = [updateOf(await stream.next()), updateOf(await stream.next())];
  expect(seen.map((event) => [event.snapshot, event.payment?.state])).toEqual([
    [true, authorized],
    [true, captured],
  ]);
  stream.stop();
});
