import { sql } from "kysely";
import { afterAll, expect, test } from "vitest";
import { cardSuffering } from "#impl/payment-provider/test-cards.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { ResumeExpired } from "#proto/ecommerce/v1/event.ts";
import {
  PaymentState,
  WatchPaymentsRequest,
  type WatchPaymentsResponse,
} from "#proto/ecommerce/v1/payment.ts";
import { Status } from "#proto/google/rpc/status.ts";
import { asking, failure } from "./testing/asking.ts";
import { as, present, startPayments } from "./testing/payment-fixture.ts";

// Events are forgotten where they are stored, and so not to be found in memory.
const fixture = await startPayments({ eventLimits: { ringEvents: 1 } });
const { client, database, events, reconcile } = fixture;
const { authorize, capture, get, void: cancel } = asking(fixture);
const open = new Set<AbortController>();
afterAll(() => {
  for (const stream of open) stream.abort();
});

/** A stream that has begun: what happens from now on is in it. */
async function watch(request: Partial<WatchPaymentsRequest>, options = {}) {
  const stop = new AbortController();
  open.add(stop);
  const began = Promise.withResolvers<void>();
  const stream = client.watchPayments(WatchPaymentsRequest.fromPartial(request), {
    ...options,
    signal: stop.signal,
    onHeaders: () => began.resolve(),
  });
  const messages = stream[Symbol.asyncIterator]();
  return {
    began: began.promise,
    stop: () => stop.abort(),
    async next(): Promise<WatchPaymentsResponse> {
      const { value } = await messages.next();
      return present(value);
    },
    async states(count: number): Promise<PaymentState[]> {
      const seen: PaymentState[] = [];
      while (seen.length < count) seen.push(present(updateOf(await this.next()).payment).state);
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

/** The token of the newest place: a stream that is opened with it misses nothing that comes after. */
async function placeNow(request: Partial<WatchPaymentsRequest>): Promise<string> {
  const stream = await watch({ ...request, heartbeatInterval: { seconds: 1n, nanos: 0 } });
  const { resumeToken } = await stream.next();
  stream.stop();
  return resumeToken;
}

test("every change of an order's payment comes once, in order, with what changed it", async () => {
  const orderIds = [newId()];
  const resumeToken = await placeNow({ orderIds });
  const payment = await authorize(cardSuffering("capture", "answer_lost"), { orderId: orderIds[0] ?? "" });
  await authorize();
  await capture(payment.paymentId, { cents: 300n });
  await reconcile();
  await cancel(payment.paymentId);

  const stream = await watch({ orderIds, resumeToken });
  const seen = [];
  for (let n = 0; n < 6; n++) seen.push(updateOf(await stream.next()));
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
});

test("a stream is restricted by user and by state, and is for the user itself", async () => {
  const [userId, orderId] = [newId(), newId()];
  const [ofUser, ofBoth] = [
    { userId, states: [captured] },
    { userId, orderIds: [orderId] },
  ];
  const [place, other] = await Promise.all([placeNow(ofUser), placeNow(ofBoth)]);
  await capture((await authorize(undefined, { userId, orderId })).paymentId);
  await capture((await authorize(undefined, { userId })).paymentId, { cents: 1n, final: true });
  await authorize(undefined, { orderId });
  const stream = await watch({ ...ofUser, resumeToken: place }, as(userId));
  expect(await stream.states(2)).toEqual([captured, captured]);
  const both = await watch({ ...ofBoth, resumeToken: other });
  expect(await both.states(4)).toEqual([pending, authorized, authorized, captured]);
  const foreign = await watch({ userId: newId() }, as(userId));
  expect(await failure(foreign.next())).toMatchObject({ code: Code.PERMISSION_DENIED });
  stream.stop();
  both.stop();
});

test("a token whose events are gone ends with one that begins with the present state", async () => {
  const userId = newId();
  const resumeToken = await placeNow({ userId });
  await capture((await authorize(undefined, { userId })).paymentId);
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
