import fc from "fast-check";
import { expect, test } from "vitest";
import { CAPTURE, type Payment, REFUND, TransactionState, transactionOf, VOID } from "./payment.ts";
import { paymentAt } from "./payment-at.ts";
import { begin, expire, open, settle } from "./payment-changes.ts";
import { captureAmount, refundAmount, voidAmount } from "./payment-rules.ts";
import type { Outcome } from "./provider-port.ts";

type Step =
  | { readonly ask: "capture" | "refund"; readonly amount: bigint; readonly final: boolean }
  | { readonly ask: "void" }
  | { readonly settle: number; readonly end: Outcome["kind"] }
  | { readonly expire: true };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    ask: fc.constantFrom("capture" as const, "refund" as const),
    amount: fc.bigInt({ min: 1n, max: 600n }),
    final: fc.boolean(),
  }),
  fc.constant({ ask: "void" as const }),
  fc.record({
    settle: fc.nat(9),
    end: fc.constantFrom<Outcome["kind"][]>("succeeded", "succeeded", "declined", "failed"),
  }),
  fc.record({ expire: fc.constant(true as const) }),
);

const expireTime = new Date(Date.UTC(2040, 0));
const outcome = (kind: Outcome["kind"], reference: string): Outcome => {
  switch (kind) {
    case "succeeded":
      return { kind, reference };
    case "declined":
      return { kind, reference, declineCode: "no" };
    case "failed":
      return { kind, reference, failureCode: "no" };
  }
};

/** Every version of a payment to which this happens, the rules asked before everything that is asked of the provider. */
function versionsOf(steps: readonly Step[]): Payment[] {
  let ms = 0;
  const now = () => new Date(Date.UTC(2030, 0) + ++ms);
  const request = (requestId: string) => ({ scope: "s", requestId, fingerprint: Buffer.alloc(0) });
  const amount = { minorUnits: 1_000n, currency: "EUR" };
  const opened = open(
    { paymentId: "p", orderId: "o", userId: undefined, amount },
    { transactionId: "t0", request: request("r0"), token: "tok" },
    now(),
  ).payment;
  const card = { brand: "visa", lastFour: "4242", expiryMonth: 1, expiryYear: 2040 };
  const terms: Outcome = { kind: "succeeded", reference: "a", authorization: { card, expireTime } };
  const versions = [opened, settle(opened, "t0", terms, now())?.payment ?? opened];
  for (const [index, each] of steps.entries()) {
    const payment = versions.at(-1) ?? opened;
    try {
      const next = stepped(payment, each, `t${index + 1}`, now());
      if (next !== undefined) versions.push(next);
    } catch (error) {
      // The rules said no.
      if (!(error instanceof Error) || error.name !== "RpcError") throw error;
    }
  }
  return versions;

  function stepped(payment: Payment, each: Step, transactionId: string, at: Date): Payment | undefined {
    const asked = { transactionId, request: request(transactionId) };
    if ("expire" in each) return expire(payment, at)?.payment;
    if ("settle" in each) {
      const id = payment.transactions[each.settle % payment.transactions.length]?.transactionId ?? "";
      return settle(payment, id, outcome(each.end, `ref ${id}`), at)?.payment;
    }
    switch (each.ask) {
      case "capture": {
        const cents = captureAmount(payment, each.amount, each.final, at);
        return begin(payment, { ...asked, kind: CAPTURE, amount: cents, final: each.final }, at).payment;
      }
      case "refund":
        return begin(payment, { ...asked, kind: REFUND, amount: refundAmount(payment, each.amount) }, at)
          .payment;
      case "void": {
        const cents = voidAmount(payment, at);
        return cents === undefined
          ? undefined
          : begin(payment, { ...asked, kind: VOID, amount: cents }, at).payment;
      }
    }
  }
}

test("what the rules allow can end in any way and in any order, and is counted once", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      for (const { status, transactions } of versionsOf(steps)) {
        if (status.kind !== "authorized") continue;
        const done = (kind: number, state: number): bigint =>
          transactions.reduce(
            (sum, each) => sum + (each.kind === kind && each.state === state ? each.amount : 0n),
            0n,
          );
        const { TRANSACTION_STATE_SUCCEEDED: succeeded, TRANSACTION_STATE_PENDING: pending } =
          TransactionState;
        expect(status.captured).toBe(done(CAPTURE, succeeded));
        expect(status.refunded).toBe(done(REFUND, succeeded));
        expect(status.captured + done(CAPTURE, pending) <= 1_000n).toBe(true);
        expect(status.refunded + done(REFUND, pending) <= status.captured).toBe(true);
      }
    }),
  );
});

test("every version of a payment can be told from its last one", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const versions = versionsOf(steps);
      const last = versions.at(-1);
      for (const version of versions) {
        // Tokens are forgotten, and the time at which a hold ran out is not in the ledger: no answer is of such a version.
        if (last === undefined || version.expiredVersion === version.version) continue;
        const told = paymentAt(last, version.version);
        const transactions = version.transactions.map((each) => ({ ...each, token: undefined }));
        expect(told).toEqual({ ...version, transactions });
      }
    }),
  );
});

test("a transaction that is settled is not settled again, whatever is said of it later", () => {
  const [opened] = versionsOf([]);
  if (opened === undefined) throw new Error("no version");
  const declined = settle(opened, "t0", outcome("declined", "x"), new Date(0));
  expect(declined?.payment.status).toEqual({ kind: "declined" });
  expect(transactionOf(declined?.payment ?? opened, "t0")).toMatchObject({
    token: undefined,
    declineCode: "no",
  });
  expect(settle(declined?.payment ?? opened, "t0", outcome("succeeded", "x"), new Date(1))).toBeUndefined();
});
