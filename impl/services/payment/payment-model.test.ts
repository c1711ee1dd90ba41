// Whatever is asked, at once or one after another, whatever is lost on the way, and whoever reconciles when: in the end the books say what
// really happened at the provider.
import fc from "fast-check";
import { expect, test } from "vitest";
import { CallError } from "#impl/client/call-error.ts";
import { EFFECT_NAMES } from "#impl/payment-provider/effects.ts";
import { cardSuffering } from "#impl/payment-provider/test-cards.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { type Payment, TransactionState } from "#proto/ecommerce/v1/payment.ts";
import { asking, centsOf, FAULTLESS } from "./testing/asking.ts";
import { startPayments } from "./testing/payment-fixture.ts";
import { truthOf } from "./testing/provider-truth.ts";

const fixture = await startPayments({ record: false });
const { client, process, reconciler, reconcile, unknown } = fixture;
const { authorizing, capture, refund, get, void: cancel } = asking(fixture);
const truth = truthOf(process);

type Action =
  | { readonly kind: "capture" | "refund"; readonly cents: bigint | undefined; readonly final: boolean }
  | { readonly kind: "void" }
  | { readonly kind: "authorize again" }
  | { readonly kind: "repeat"; readonly nth: number }
  | { readonly kind: "reconcile" };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("capture" as const, "refund" as const),
      cents: fc.option(fc.bigInt({ min: 1n, max: 700n }), { nil: undefined }),
      final: fc.boolean(),
    }),
  },
  fc.constant({ kind: "void" } as const),
  fc.constant({ kind: "authorize again" } as const),
  fc.record({ kind: fc.constant("repeat" as const), nth: fc.nat(10) }),
  { weight: 2, arbitrary: fc.constant({ kind: "reconcile" } as const) },
);

const card = fc.constantFrom(
  FAULTLESS,
  ...(["authorize", "capture", "void", "refund"] as const).flatMap((kind) =>
    EFFECT_NAMES.map((effect) => cardSuffering(kind, effect)),
  ),
);

/** A refusal is an answer like another; everything else that fails is a failure of the test. */
const orRefusal = async (call: Promise<Payment>): Promise<Payment | string> => {
  try {
    return await call;
  } catch (error) {
    if (error instanceof CallError && error.code === Code.FAILED_PRECONDITION) return error.reason;
    throw error;
  }
};

/** Lists of lists: what is in one list is asked at once. */
const script = fc.array(fc.array(action, { minLength: 1, maxLength: 3 }), { maxLength: 7 });

test("the books are the provider's truth, and nothing is taken or given back twice", async () => {
  await fc.assert(
    fc.asyncProperty(card, script, async (number, rounds) => {
      const request = await authorizing(number);
      const authorize = async (): Promise<Payment> =>
        (await client.authorizePayment(request)).payment ?? expect.fail("no payment");
      const { paymentId } = await authorize();
      const asked = new Map([[request.requestId, authorize]]);
      const perform = async (each: Action): Promise<void> => {
        switch (each.kind) {
          case "capture":
          case "refund": {
            const amount = { cents: each.cents, final: each.final, requestId: newId() };
            const ask = () => (each.kind === "capture" ? capture : refund)(paymentId, amount);
            asked.set(amount.requestId, ask);
            await orRefusal(ask());
            return;
          }
          case "void": {
            const requestId = newId();
            asked.set(requestId, () => cancel(paymentId, requestId));
            await orRefusal(cancel(paymentId, requestId));
            return;
          }
          case "authorize again":
            await authorize();
            return;
          case "repeat":
            await orRefusal([...asked.values()][each.nth % asked.size]?.() ?? authorize());
            return;
          case "reconcile":
            await reconciler.round(unknown.slice(-5), AbortSignal.timeout(5_000));
        }
      };
      for (const round of rounds) await Promise.all(round.map(perform));
      await reconcile();

      const payment = await get(paymentId);
      const { captured, refunded } = truth.booksOf(payment);
      expect(refunded <= captured && captured <= centsOf(payment.amount)).toBe(true);
      expect(await truth.of(payment)).toEqual(truth.booksOf(payment));
      const done = await truth.operations(payment.orderId);
      expect(done.map(({ idempotency_key }) => idempotency_key).sort()).toEqual(
        payment.transactions
          .filter(({ state }) => state === TransactionState.TRANSACTION_STATE_SUCCEEDED)
          .map(({ transactionId }) => transactionId)
          .sort(),
      );
      // What was asked of the provider has its answer, however much has happened since; what was not may be asked again.
      const answersAgain = () =>
        Promise.all(
          payment.transactions.map(({ requestId }) => orRefusal(asked.get(requestId)?.() ?? get(""))),
        );
      expect(await answersAgain()).toEqual(await answersAgain());
      expect(await get(paymentId)).toEqual(payment);
    }),
    { numRuns: 25 },
  );
}, 60_000);
