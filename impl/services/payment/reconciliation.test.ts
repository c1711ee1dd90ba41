import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { failure } from "#impl/client/testing/answers.ts";
import { EFFECT_NAMES } from "#impl/payment-provider/effects.ts";
import type { OperationKind } from "#impl/payment-provider/operation.ts";
import { cardSuffering } from "#impl/payment-provider/test-cards.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { type Payment, PaymentState, TransactionState } from "#proto/ecommerce/v1/payment.ts";
import { open } from "./payment-changes.ts";
import { createReconciler } from "./reconciler.ts";
import { startReconciliation } from "./reconciliation.ts";
import { asking, euros, FAULTLESS } from "./testing/asking.ts";
import { startPayments } from "./testing/payment-fixture.ts";
import { truthOf } from "./testing/provider-truth.ts";

const fixture = await startPayments();
const { client, store, provider, reconciler, reconcilerOptions, reconcile, process, database } = fixture;
const { authorize, authorizing, capture, refund, get, void: cancel, tokenOf } = asking(fixture);
const truth = truthOf(process);

/** Asks for one operation with a new request id, on a payment that is so far; gives how to ask again. */
const ask: Record<OperationKind, (card: string) => Promise<() => Promise<Payment>>> = {
  async authorize(card) {
    const request = await authorizing(card);
    return async () => (await client.authorizePayment(request)).payment ?? expect.fail("no payment");
  },
  async capture(card) {
    const [{ paymentId }, requestId] = [await authorize(card), newId()];
    return () => capture(paymentId, { cents: 400n, requestId });
  },
  async void(card) {
    const [{ paymentId }, requestId] = [await authorize(card), newId()];
    return () => cancel(paymentId, requestId);
  },
  async refund(card) {
    const [{ paymentId }, requestId] = [await authorize(card), newId()];
    await capture(paymentId);
    return () => refund(paymentId, { cents: 400n, requestId });
  },
};
const ends: Record<OperationKind, PaymentState> = {
  authorize: PaymentState.PAYMENT_STATE_AUTHORIZED,
  capture: PaymentState.PAYMENT_STATE_PARTIALLY_CAPTURED,
  void: PaymentState.PAYMENT_STATE_VOIDED,
  refund: PaymentState.PAYMENT_STATE_PARTIALLY_REFUNDED,
};
const kinds: readonly OperationKind[] = ["authorize", "capture", "void", "refund"];
const unknown = { pendingTransaction: true };

describe.each(kinds)("%s", (kind) => {
  test.each(EFFECT_NAMES)(
    "whose outcome is unknown (%s) is reported so, and done once after reconciliation",
    async (effect) => {
      const again = await ask[kind](cardSuffering(kind, effect));
      const first = await again();
      expect(first).toMatchObject(unknown);
      expect(first.transactions.at(-1)?.state).toBe(TransactionState.TRANSACTION_STATE_PENDING);
      // A repeat asks nobody: what it would get is known to be unknown.
      expect(await again()).toMatchObject(unknown);
      await reconcile();
      const settled = await again();
      expect(settled).toMatchObject({ state: ends[kind], pendingTransaction: false });
      expect(await get(first.paymentId)).toEqual(settled);
      expect(await truth.of(settled)).toEqual(truth.booksOf(settled));
      expect(await truth.operations(settled.orderId, kind)).toHaveLength(1);
    },
  );
});

describe("a process that died", () => {
  const opened = async () => {
    const amount = { minorUnits: 1_000n, currency: "EUR" };
    const request = { scope: "a call", requestId: newId(), fingerprint: Buffer.alloc(32) };
    const payment = { paymentId: newId(), orderId: newId(), userId: undefined, amount };
    const authorization = { transactionId: newId(), request, token: await tokenOf(FAULTLESS) };
    const change = open(payment, authorization, new Date(fixture.clock.now()));
    await store.open(change, AbortSignal.timeout(5_000));
    return change;
  };
  const rounds = () => reconciler.round([], AbortSignal.timeout(5_000));

  test("before it asked the provider has its request sent by another, once its lease is over", async () => {
    const { payment } = await opened();
    expect(await rounds()).toBe(0);
    fixture.pass(store.leaseMs);
    expect(await rounds()).toBe(1);
    expect((await get(payment.paymentId)).state).toBe(PaymentState.PAYMENT_STATE_AUTHORIZED);
  });

  test("after it asked, and before it recorded the answer, has it asked for by another", async () => {
    const { payment, transaction } = await opened();
    const operation = {
      kind: "authorize",
      key: transaction.transactionId,
      orderId: payment.orderId,
    } as const;
    await provider.execute({ ...operation, token: transaction.token ?? "", amount: payment.amount });
    fixture.pass(store.leaseMs);
    await rounds();
    expect((await get(payment.paymentId)).state).toBe(PaymentState.PAYMENT_STATE_AUTHORIZED);
    expect(await truth.operations(payment.orderId, "authorize")).toHaveLength(1);
  });

  test("long ago, and whose request the provider never saw, has failed", async () => {
    const { payment } = await opened();
    fixture.pass(21 * 3_600_000);
    await rounds();
    expect(await get(payment.paymentId)).toMatchObject({
      state: PaymentState.PAYMENT_STATE_FAILED,
      transactions: [{ state: TransactionState.TRANSACTION_STATE_FAILED, providerReference: "" }],
    });
  });

  test("leaves its work to one of many", async () => {
    const payments = await Promise.all(Array.from({ length: 12 }, opened));
    fixture.pass(store.leaseMs);
    const workers = [1, 2, 3].map(() => createReconciler({ ...reconcilerOptions, batch: 5 }));
    let claimed = 0;
    for (let found = 1; found > 0; claimed += found) {
      const signal = AbortSignal.timeout(5_000);
      const counts = await Promise.all(workers.map((worker) => worker.round([], signal)));
      found = counts.reduce((sum, count) => sum + count, 0);
    }
    expect(claimed).toBe(payments.length);
    for (const { payment } of payments) {
      expect((await get(payment.paymentId)).state).toBe(PaymentState.PAYMENT_STATE_AUTHORIZED);
    }
  });
});

describe("while an outcome is unknown", () => {
  test("its amount counts as taken, and nothing closes the hold", async () => {
    const { paymentId } = await authorize(cardSuffering("capture", "answer_lost"));
    await capture(paymentId, { cents: 700n });
    const refused = (reason: string) => ({ code: Code.FAILED_PRECONDITION, reason });
    expect(await failure(capture(paymentId, { cents: 301n }))).toMatchObject(refused("AMOUNT_TOO_LARGE"));
    expect(await failure(cancel(paymentId))).toMatchObject(refused("TRANSACTION_PENDING"));
    expect(await failure(capture(paymentId, { cents: 1n, final: true }))).toMatchObject(
      refused("TRANSACTION_PENDING"),
    );
    expect(await failure(refund(paymentId))).toMatchObject(refused("NOTHING_TO_REFUND"));
    await reconcile();
    expect(await cancel(paymentId)).toMatchObject({ capturedAmount: euros(700n) });
  });

  test("of the authorization, nothing else can be asked", async () => {
    const { paymentId } = await authorize(cardSuffering("authorize", "done_late"));
    for (const asked of [() => capture(paymentId), () => cancel(paymentId), () => refund(paymentId)]) {
      expect(await failure(asked())).toMatchObject({ reason: "PAYMENT_PENDING" });
    }
    await reconcile();
  });

  test("the database itself refuses what would be too much", async () => {
    const { paymentId } = await authorize(cardSuffering("capture", "answer_lost"));
    await capture(paymentId, { cents: 700n });
    const change = (columns: object) =>
      database.queries
        .updateTable("payments.payments")
        .set(columns)
        .where("payment_id", "=", paymentId)
        .execute();
    await expect(change({ captured_minor: 301n })).rejects.toMatchObject({ constraint: "payments_captured" });
    await expect(change({ refunded_minor: 1n })).rejects.toMatchObject({ constraint: "payments_refunded" });
    await reconcile();
  });

  test("and the provider is away, it stays unknown, also over the provider's restart", async () => {
    await process.process().stop("SIGKILL");
    const { client: shop } = fixture;
    const request = await authorizingWithoutProvider();
    const { payment } = await shop.authorizePayment(request);
    expect(payment).toMatchObject({ state: PaymentState.PAYMENT_STATE_PENDING, pendingTransaction: true });
    const { transactionId } = payment?.transactions[0] ?? expect.fail("no transaction");
    await reconciler.round([transactionId], AbortSignal.timeout(5_000));
    await process.restart();
    await reconcile();
    const error = await failure(shop.authorizePayment(request));
    expect(error).toMatchObject({ reason: "PROVIDER_REFUSED" });
  });

  const authorizingWithoutProvider = async () => ({
    orderId: newId(),
    userId: "",
    amount: euros(1_000n),
    source: { source: { $case: "paymentMethodToken", value: "tok_unknown" } as const },
    requestId: newId(),
  });
});

describe("an authorization that has run out", () => {
  test("is refused by its time, and expires when the provider says so", async () => {
    await process.process().change({ authorizationLifetimeMs: 30 });
    const { paymentId } = await authorize();
    await process.process().change({ authorizationLifetimeMs: 600_000 });
    await wait(30);
    expect(await failure(capture(paymentId))).toMatchObject({ reason: "AUTHORIZATION_EXPIRED" });
    await expect
      .poll(async () => {
        await reconciler.round([], AbortSignal.timeout(5_000));
        fixture.pass(1_000);
        return (await get(paymentId)).state;
      })
      .toBe(PaymentState.PAYMENT_STATE_EXPIRED);
    expect(await get(paymentId)).toMatchObject({ authorizationExpireTime: undefined });
    expect(await failure(cancel(paymentId))).toMatchObject({ reason: "AUTHORIZATION_EXPIRED" });
  });
});

test("the worker settles by itself what was found unknown in its process, and can be stopped twice", async () => {
  const worker = startReconciliation({ ...reconcilerOptions, pollMs: 60_000 });
  const { paymentId, transactions } = await authorize(cardSuffering("authorize", "answer_lost"));
  worker.soon(transactions[0]?.transactionId ?? "");
  await expect
    .poll(async () => (await get(paymentId)).state, { interval: 10 })
    .toBe(PaymentState.PAYMENT_STATE_AUTHORIZED);
  await Promise.all([worker.stop(), worker.stop()]);
});

test("a transaction that cannot be reconciled stays pending, is logged, and holds up no other", async () => {
  const [{ paymentId }, other] = await Promise.all([
    authorize(cardSuffering("authorize", "answer_lost")),
    authorize(cardSuffering("authorize", "answer_lost")),
  ]);
  // What the provider says is not possible for these books: it authorized a payment that failed.
  const set = { state: PaymentState.PAYMENT_STATE_FAILED };
  await database.queries
    .updateTable("payments.payments")
    .set(set)
    .where("payment_id", "=", paymentId)
    .execute();
  const ids = fixture.unknown.slice(-2);
  await reconciler.round(ids, AbortSignal.timeout(5_000));
  expect(await get(paymentId)).toMatchObject({ pendingTransaction: true });
  expect(await get(other.paymentId)).toMatchObject({ pendingTransaction: false });
  expect(fixture.logged.filter(({ level }) => level === "error")).toMatchObject([
    { message: "a payment could not be reconciled", fields: { err: { name: "BooksMismatch", paymentId } } },
  ]);
});
