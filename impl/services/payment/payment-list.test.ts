import { sql } from "kysely";
import { expect, test } from "vitest";
import { failure } from "#impl/client/testing/answers.ts";
import { cardSuffering } from "#impl/payment-provider/test-cards.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { ListPaymentsRequest, PaymentState } from "#proto/ecommerce/v1/payment.ts";
import { pageQuery } from "./payment-pages.ts";
import { asking } from "./testing/asking.ts";
import { as, startPayments } from "./testing/payment-fixture.ts";

const fixture = await startPayments();
const { client, database } = fixture;
const { authorize, capture } = asking(fixture);

const list = (request: Partial<ListPaymentsRequest>, options = {}) =>
  client.listPayments(ListPaymentsRequest.fromPartial(request), options);
const ids = async (request: Partial<ListPaymentsRequest>) =>
  (await list(request)).payments.map(({ paymentId }) => paymentId);

const [userId, orderId] = [newId(), newId()];
const authorized = await authorize(undefined, { userId });
const captured = await authorize(undefined, { userId, orderId });
await capture(captured.paymentId);
const other = await authorize(undefined, { userId: newId(), orderId });
const pending = await authorize(cardSuffering("authorize", "answer_lost"), { userId });

test("payments come the latest first, each with its transactions, and conditions are joined", async () => {
  expect(await ids({})).toEqual([pending, other, captured, authorized].map(({ paymentId }) => paymentId));
  expect(await ids({ userId })).toEqual([pending, captured, authorized].map(({ paymentId }) => paymentId));
  expect(await ids({ orderId: orderId.toUpperCase() })).toEqual([other.paymentId, captured.paymentId]);
  expect(await ids({ userId, orderId })).toEqual([captured.paymentId]);
  expect(await ids({ userId, pendingOnly: true })).toEqual([pending.paymentId]);
  const states = [PaymentState.PAYMENT_STATE_CAPTURED, PaymentState.PAYMENT_STATE_PENDING];
  const { payments } = await list({ states });
  expect(payments.map(({ paymentId }) => paymentId)).toEqual([pending.paymentId, captured.paymentId]);
  expect(payments[1]?.transactions).toHaveLength(2);
});

test("pages follow each other without a gap, and a token is bound to the conditions", async () => {
  const seen: string[] = [];
  let pageToken = "";
  do {
    const page = await list({ userId, pageSize: 2, pageToken });
    seen.push(...page.payments.map(({ paymentId }) => paymentId));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(seen).toEqual(await ids({ userId }));
  const { nextPageToken } = await list({ userId, pageSize: 1 });
  expect(await failure(list({ orderId, pageToken: nextPageToken }))).toMatchObject({
    code: Code.INVALID_ARGUMENT,
  });
  expect(await failure(list({ pageSize: -1 }))).toMatchObject({ code: Code.INVALID_ARGUMENT });
});

test("a payer may list its own payments and no others", async () => {
  expect((await list({ userId }, as(userId))).payments).toHaveLength(3);
  for (const request of [{}, { userId: newId() }]) {
    expect(await failure(list(request, as(userId)))).toMatchObject({ code: Code.PERMISSION_DENIED });
  }
});

test("every list is read from an index at its place", async () => {
  await sql`insert into payments.payments (payment_id, order_id, user_id, currency, amount_minor, state, hold,
      pending_transactions, version, create_time, update_time)
    select gen_random_uuid(), case n % 3 when 0 then ${orderId} else gen_random_uuid() end,
      case n % 3 when 1 then ${userId} else gen_random_uuid() end, 'EUR', 1, 10, 'none', 0, 1, now(), now()
    from generate_series(1, 3000) as n`.execute(database.queries);
  await sql`vacuum analyze payments.payments`.execute(database.queries);
  const none = { userId: undefined, orderIds: [], states: [], pendingOnly: false };
  const plans = [
    [{ ...none, userId }, "payments_user"],
    [{ ...none, orderIds: [orderId] }, "payments_order"],
    [{ ...none, pendingOnly: true }, "payments_pending"],
    [none, "payments_pkey"],
  ] as const;
  for (const [conditions, index] of plans) {
    const query = pageQuery({ conditions, after: "ffffffff-ffff-7fff-bfff-ffffffffffff", limit: 51 });
    const { rows } = await sql<{ "QUERY PLAN": string }>`explain ${query}`.execute(database.queries);
    const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
    expect(plan).toContain(index);
    expect(plan).not.toContain("Sort");
  }
});
