import { describe, expect, test } from "vitest";
import { failure } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { PaymentState, TransactionKind, TransactionState } from "#proto/ecommerce/v1/payment.ts";
import { asking, cardOf, centsOf, euros, FAULTLESS } from "./testing/asking.ts";
import { as, nobody, startPayments } from "./testing/payment-fixture.ts";

const fixture = await startPayments();
const { client, database } = fixture;
const { authorize, authorizing, capture, refund, get, void: cancel } = asking(fixture);
const amounts = ({ capturedAmount, refundedAmount }: Awaited<ReturnType<typeof get>>) => [
  centsOf(capturedAmount),
  centsOf(refundedAmount),
];
const refused = (reason: string) => ({ code: Code.FAILED_PRECONDITION, reason });

describe("AuthorizePayment", () => {
  test("holds the amount on the card, which is shown by its last digits", async () => {
    const [orderId, userId] = [newId(), newId()];
    const payment = await authorize(FAULTLESS, { orderId, userId });
    expect(payment).toMatchObject({
      orderId,
      userId,
      state: PaymentState.PAYMENT_STATE_AUTHORIZED,
      amount: euros(1_000n),
      card: { brand: "visa", lastFour: "4242", expiryMonth: 12, expiryYear: 2040 },
      pendingTransaction: false,
      authorizationExpireTime: expect.any(Date),
    });
    expect(payment.transactions).toMatchObject([
      {
        kind: TransactionKind.TRANSACTION_KIND_AUTHORIZE,
        state: TransactionState.TRANSACTION_STATE_SUCCEEDED,
        amount: euros(1_000n),
        providerReference: expect.stringMatching(/^authorize_/),
        settleTime: expect.any(Date),
      },
    ]);
    expect(await get(payment.paymentId)).toEqual(payment);
  });

  test("takes a card itself, and takes it once for one request id", async () => {
    const request = await authorizing(FAULTLESS, {
      source: { source: { $case: "card", value: cardOf("5555555555554444") } },
    });
    const first = await client.authorizePayment(request);
    expect(first.payment?.card?.brand).toBe("mastercard");
    expect(await client.authorizePayment(request)).toEqual(first);
    const other = { source: { $case: "card", value: cardOf(FAULTLESS) } as const };
    // The provider knows that it is another card: nothing of a card is kept here that could tell.
    await expect(client.authorizePayment({ ...request, source: other })).rejects.toMatchObject({
      code: Code.ALREADY_EXISTS,
      reason: "REQUEST_ID_REUSED",
    });
  });

  test.each([
    ["4000000000000002", "generic_decline"],
    ["4000000000009995", "insufficient_funds"],
    ["4000000000000069", "expired_card"],
  ])("of card %s is declined, with the provider's code", async (number, declineCode) => {
    const request = await authorizing(number);
    const error = await failure(client.authorizePayment(request));
    expect(error).toMatchObject(refused("CARD_DECLINED"));
    expect(error.details.errorInfo?.metadata).toMatchObject({ decline_code: declineCode });
    expect(await failure(client.authorizePayment(request))).toMatchObject({ details: error.details });
    const payment = await get(error.details.errorInfo?.metadata.subject ?? "");
    expect(payment).toMatchObject({
      state: PaymentState.PAYMENT_STATE_DECLINED,
      transactions: [{ state: TransactionState.TRANSACTION_STATE_DECLINED, declineCode }],
    });
  });

  test("that the provider cannot do has failed, the first time and every time", async () => {
    const request = await authorizing("4000000000000119");
    for (const _ of [1, 2]) {
      const error = await failure(client.authorizePayment(request));
      expect(error).toMatchObject(refused("PROVIDER_REFUSED"));
      expect(error.details.errorInfo?.metadata.failure_code).toBe("processing_error");
    }
    const { payments } = await client.listPayments(listing({ orderId: request.orderId }));
    expect(payments).toMatchObject([{ state: PaymentState.PAYMENT_STATE_FAILED }]);
  });

  test("is refused for a token that is unknown or was used for another order", async () => {
    const request = await authorizing(FAULTLESS);
    await client.authorizePayment(request);
    const again = failure(client.authorizePayment({ ...request, orderId: newId(), requestId: newId() }));
    expect((await again).details.errorInfo?.metadata.failure_code).toBe("token_used");
    const source = { source: { $case: "paymentMethodToken", value: "tok_of_nobody" } as const };
    const unknown = failure(client.authorizePayment({ ...request, source, requestId: newId() }));
    expect((await unknown).details.errorInfo?.metadata.failure_code).toBe("token_unknown");
  });

  test("refuses amounts that are none, and text that cannot be stored", async () => {
    const request = await authorizing(FAULTLESS);
    for (const amount of [euros(0n), { ...euros(1n), nanos: 1 }, { ...euros(1n), currencyCode: "XXX" }]) {
      expect((await failure(client.authorizePayment({ ...request, amount }))).code).toBe(
        Code.INVALID_ARGUMENT,
      );
    }
    const source = { source: { $case: "paymentMethodToken", value: "tok\0" } as const };
    const error = await failure(client.authorizePayment({ ...request, source }));
    expect(error.details.badRequest?.fieldViolations).toMatchObject([
      { field: "source.payment_method_token" },
    ]);
  });
});

describe("captures", () => {
  test("take parts until nothing is left", async () => {
    const { paymentId } = await authorize();
    expect(await capture(paymentId, { cents: 300n })).toMatchObject({
      state: PaymentState.PAYMENT_STATE_PARTIALLY_CAPTURED,
      capturedAmount: euros(300n),
    });
    const tooMuch = await failure(capture(paymentId, { cents: 701n }));
    expect(tooMuch).toMatchObject(refused("AMOUNT_TOO_LARGE"));
    expect(tooMuch.details.errorInfo?.metadata).toMatchObject({ asked: "701", available: "700" });
    const all = await capture(paymentId);
    expect(all).toMatchObject({
      state: PaymentState.PAYMENT_STATE_CAPTURED,
      capturedAmount: euros(1_000n),
      authorizationExpireTime: undefined,
    });
    expect(await failure(capture(paymentId))).toMatchObject(refused("NOTHING_HELD"));
  });

  test("that are final let go of the rest", async () => {
    const { paymentId } = await authorize();
    const payment = await capture(paymentId, { cents: 300n, final: true });
    expect(payment.state).toBe(PaymentState.PAYMENT_STATE_CAPTURED);
    expect(await failure(cancel(paymentId))).toMatchObject(refused("NOTHING_HELD"));
  });

  test("that the provider declines leave the payment as it was", async () => {
    const before = await authorize("4000000000000341");
    const requestId = newId();
    for (const _ of [1, 2]) {
      const error = await failure(capture(before.paymentId, { requestId }));
      expect(error.details.errorInfo?.metadata.decline_code).toBe("do_not_honor");
    }
    const after = await get(before.paymentId);
    expect(after.state).toBe(before.state);
    expect(after.transactions).toHaveLength(2);
  });

  test("in another currency, of an unknown payment, and of a declined one are refused", async () => {
    const { paymentId } = await authorize();
    const amount = { ...euros(1n), currencyCode: "USD" };
    const request = { paymentId, amount, final: false, requestId: newId() };
    expect(await failure(client.capturePayment(request))).toMatchObject(refused("CURRENCY_MISMATCH"));
    expect(await failure(capture(newId()))).toMatchObject({ code: Code.NOT_FOUND });
    const declined = await failure(authorize("4000000000000002"));
    const subject = declined.details.errorInfo?.metadata.subject ?? "";
    expect(await failure(capture(subject))).toMatchObject(refused("NOTHING_HELD"));
  });
});

describe("VoidPayment", () => {
  test("lets go of everything, and has no effect on a payment that is voided", async () => {
    const { paymentId } = await authorize();
    const payment = await cancel(paymentId);
    expect(payment.state).toBe(PaymentState.PAYMENT_STATE_VOIDED);
    expect(await cancel(paymentId)).toEqual(payment);
    expect(await failure(capture(paymentId))).toMatchObject(refused("NOTHING_HELD"));
  });

  test("of a payment that is captured in part keeps that part", async () => {
    const { paymentId } = await authorize();
    await capture(paymentId, { cents: 300n });
    const payment = await cancel(paymentId);
    expect(payment).toMatchObject({
      state: PaymentState.PAYMENT_STATE_CAPTURED,
      capturedAmount: euros(300n),
    });
    expect(payment.transactions.at(-1)?.amount).toEqual(euros(700n));
  });
});

describe("refunds", () => {
  test("give back parts until nothing is left", async () => {
    const { paymentId } = await authorize();
    expect(await failure(refund(paymentId))).toMatchObject(refused("NOTHING_TO_REFUND"));
    await capture(paymentId);
    const part = await refund(paymentId, { cents: 400n });
    expect(part.state).toBe(PaymentState.PAYMENT_STATE_PARTIALLY_REFUNDED);
    expect(await failure(refund(paymentId, { cents: 601n }))).toMatchObject(refused("AMOUNT_TOO_LARGE"));
    const all = await refund(paymentId);
    expect(all.state).toBe(PaymentState.PAYMENT_STATE_REFUNDED);
    expect(amounts(all)).toEqual([1_000n, 1_000n]);
    expect(await failure(refund(paymentId))).toMatchObject(refused("NOTHING_TO_REFUND"));
  });

  test("that the provider cannot do leave the money where it is", async () => {
    const { paymentId } = await authorize("4000000000005126");
    await capture(paymentId);
    expect(await failure(refund(paymentId))).toMatchObject(refused("PROVIDER_REFUSED"));
    expect(amounts(await get(paymentId))).toEqual([1_000n, 0n]);
  });

  test("by many at once never give back more than was taken", async () => {
    const { paymentId } = await authorize();
    await capture(paymentId, { cents: 950n });
    const tries = await Promise.allSettled(
      Array.from({ length: 12 }, () => refund(paymentId, { cents: 100n })),
    );
    const lost = tries.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
    expect(lost).toHaveLength(3);
    for (const { reason } of lost) expect(reason).toMatchObject(refused("AMOUNT_TOO_LARGE"));
    expect(amounts(await get(paymentId))).toEqual([950n, 900n]);
  });
});

describe("a repeat with the same request id", () => {
  test("gets the first answer, though the payment has gone on", async () => {
    const request = await authorizing(FAULTLESS);
    const authorized = await client.authorizePayment(request);
    const paymentId = authorized.payment?.paymentId ?? "";
    const [first, second] = [newId(), newId()];
    const captured = await capture(paymentId, { cents: 300n, requestId: first });
    const refunded = await refund(paymentId, { cents: 100n, requestId: second });
    await capture(paymentId, { cents: 50n });
    await cancel(paymentId);
    expect(await client.authorizePayment(request)).toEqual(authorized);
    expect(await capture(paymentId, { cents: 300n, requestId: first })).toEqual(captured);
    expect(await refund(paymentId, { cents: 100n, requestId: second.toUpperCase() })).toEqual(refunded);
  });

  test("and another content is refused", async () => {
    const request = await authorizing(FAULTLESS);
    const { payment } = await client.authorizePayment(request);
    const reused = { code: Code.ALREADY_EXISTS, reason: "REQUEST_ID_REUSED" };
    expect(await failure(client.authorizePayment({ ...request, amount: euros(999n) }))).toMatchObject(reused);
    const requestId = newId();
    await capture(payment?.paymentId ?? "", { cents: 300n, requestId });
    expect(await failure(capture(payment?.paymentId ?? "", { cents: 301n, requestId }))).toMatchObject(
      reused,
    );
    const other = await authorize();
    expect(await failure(capture(other.paymentId, { cents: 300n, requestId }))).toMatchObject(reused);
  });

  test("at the same time waits for the first, and the provider is asked once", async () => {
    const request = await authorizing(FAULTLESS);
    const answers = await Promise.all([1, 2, 3, 4].map(() => client.authorizePayment(request)));
    const paymentId = answers[0]?.payment?.paymentId ?? "";
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    const requestId = newId();
    const captures = await Promise.all(
      [1, 2, 3, 4].map(() => capture(paymentId, { cents: 300n, requestId })),
    );
    for (const captured of captures) expect(captured).toEqual(captures[0]);
    expect((await get(paymentId)).transactions).toHaveLength(2);
  });
});

describe("GetPayment", () => {
  test("is for its payer and for readers of payments, and to others it is not there", async () => {
    const userId = newId();
    const { paymentId } = await authorize(FAULTLESS, { userId });
    expect((await get(paymentId, as(userId.toUpperCase()))).userId).toBe(userId);
    expect((await get(paymentId, as(newId(), ["payments.read"]))).userId).toBe(userId);
    expect(await failure(get(paymentId, as(newId())))).toMatchObject({ code: Code.NOT_FOUND });
    const guest = await authorize();
    expect(await failure(get(guest.paymentId, as(newId())))).toMatchObject({ code: Code.NOT_FOUND });
    expect(await failure(get(paymentId, nobody))).toMatchObject({ code: Code.UNAUTHENTICATED });
  });
});

test("a payment costs few statements", async () => {
  const statements = async (work: () => Promise<unknown>): Promise<number> => {
    const before = database.statements();
    await work();
    return database.statements() - before;
  };
  const request = await authorizing(FAULTLESS);
  const { paymentId } = await authorize();
  // One before the provider is asked and one after; what a capture needs to know of the payment is another.
  expect(await statements(() => client.authorizePayment(request))).toBe(2);
  expect(await statements(() => capture(paymentId, { cents: 100n }))).toBe(3);
  expect(await statements(() => get(paymentId))).toBe(1);
});

const listing = (request: object) => ({
  userId: "",
  orderId: "",
  states: [],
  pendingOnly: false,
  pageSize: 0,
  pageToken: "",
  ...request,
});
