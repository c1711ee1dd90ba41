import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type PaymentEvent,
  PaymentState,
  type PaymentStatus,
  PENDING,
  stateOf,
  transition,
} from "./payment-status.ts";

const AUTHORIZED = 1_000n;
const amount = fc.bigInt({ min: -10n, max: 1_200n });
const event: fc.Arbitrary<PaymentEvent> = fc.oneof(
  fc.constantFrom<PaymentEvent>(
    { kind: "authorized" },
    { kind: "declined" },
    { kind: "failed" },
    { kind: "voided" },
    { kind: "expired" },
  ),
  fc.record({ kind: fc.constant("captured" as const), amount, final: fc.boolean() }),
  fc.record({ kind: fc.constant("refunded" as const), amount }),
);
/** Those of the events that can have happened, and the statuses that they lead to. */
const history = fc.array(event, { maxLength: 12 }).map((events) => {
  const statuses: PaymentStatus[] = [PENDING];
  const happened: PaymentEvent[] = [];
  // Or hardly any history would come to have money in it.
  for (const each of [{ kind: "authorized" } as const, ...events]) {
    const next = transition(statuses.at(-1) ?? PENDING, each, AUTHORIZED);
    if (next === undefined) continue;
    statuses.push(next);
    happened.push(each);
  }
  return { statuses, happened };
});

const sum = (events: readonly PaymentEvent[], kind: "captured" | "refunded"): bigint =>
  events.reduce((total, each) => total + (each.kind === kind ? each.amount : 0n), 0n);

test("whatever happens, refunded is at most captured and captured at most authorized, and no money is lost", () => {
  fc.assert(
    fc.property(history, ({ statuses, happened }) => {
      const last = statuses.at(-1);
      if (last?.kind !== "authorized") throw new Error("the history begins with an authorization");
      expect(last.captured).toBe(sum(happened, "captured"));
      expect(last.refunded).toBe(sum(happened, "refunded"));
      expect(last.refunded <= last.captured && last.captured <= AUTHORIZED).toBe(true);
    }),
  );
});

test("what has been let go is never held again, and a final state is never left", () => {
  const final = new Set<PaymentState>([
    PaymentState.PAYMENT_STATE_REFUNDED,
    PaymentState.PAYMENT_STATE_VOIDED,
    PaymentState.PAYMENT_STATE_DECLINED,
    PaymentState.PAYMENT_STATE_EXPIRED,
    PaymentState.PAYMENT_STATE_FAILED,
  ]);
  fc.assert(
    fc.property(history, event, ({ statuses }, next) => {
      for (const [index, status] of statuses.entries()) {
        const after =
          index + 1 < statuses.length ? statuses[index + 1] : transition(status, next, AUTHORIZED);
        if (after === undefined) continue;
        expect(final.has(stateOf(status)), `${stateOf(status)}`).toBe(false);
        if (status.kind === "authorized" && status.hold !== "open" && after.kind === "authorized") {
          expect(after.hold).toBe(status.hold);
        }
      }
    }),
  );
});

describe("states as callers see them", () => {
  const after = (...events: PaymentEvent[]): PaymentState =>
    stateOf(events.reduce((status, each) => transition(status, each, AUTHORIZED) ?? status, PENDING));
  const authorized: PaymentEvent = { kind: "authorized" };
  const captured = (cents: bigint, final = false): PaymentEvent => ({
    kind: "captured",
    amount: cents,
    final,
  });
  const refunded = (cents: bigint): PaymentEvent => ({ kind: "refunded", amount: cents });

  test.each<[PaymentState, PaymentEvent[]]>([
    [PaymentState.PAYMENT_STATE_PENDING, []],
    [PaymentState.PAYMENT_STATE_DECLINED, [{ kind: "declined" }, authorized]],
    [PaymentState.PAYMENT_STATE_FAILED, [{ kind: "failed" }]],
    [PaymentState.PAYMENT_STATE_AUTHORIZED, [authorized]],
    [PaymentState.PAYMENT_STATE_VOIDED, [authorized, { kind: "voided" }, captured(1n)]],
    [PaymentState.PAYMENT_STATE_EXPIRED, [authorized, { kind: "expired" }]],
    [PaymentState.PAYMENT_STATE_PARTIALLY_CAPTURED, [authorized, captured(400n)]],
    [PaymentState.PAYMENT_STATE_CAPTURED, [authorized, captured(400n), captured(600n)]],
    [PaymentState.PAYMENT_STATE_CAPTURED, [authorized, captured(400n, true)]],
    [PaymentState.PAYMENT_STATE_CAPTURED, [authorized, captured(400n), { kind: "expired" }]],
    [PaymentState.PAYMENT_STATE_PARTIALLY_REFUNDED, [authorized, captured(400n, true), refunded(399n)]],
    [PaymentState.PAYMENT_STATE_PARTIALLY_REFUNDED, [authorized, captured(400n), refunded(400n)]],
    [PaymentState.PAYMENT_STATE_REFUNDED, [authorized, captured(400n), refunded(400n), { kind: "voided" }]],
  ])("%i", (state, events) => {
    expect(after(...events)).toBe(state);
  });
});
