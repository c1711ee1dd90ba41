import { fromBinary } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ecommerceSchema } from "#impl/runtime/testing/test-server.ts";
import { NewOrder, type NewOrderLine } from "#proto/ecommerce/v1/order.ts";
import { BulkOrder } from "#proto/ecommerce/v1/order_bulk.ts";
import { createBulkOrderCheck, hasSoundLines } from "./bulk-order-check.ts";

const schema = ecommerceSchema();
const check = createBulkOrderCheck(schema);
const validator = createValidator({ registry: schema.registry });
const desc = schema.registry.getMessage("ecommerce.v1.BulkOrder");
if (desc === undefined) throw new Error("the schema has no ecommerce.v1.BulkOrder");

const isValid = (order: BulkOrder) =>
  validator.validate(desc, fromBinary(desc, BulkOrder.encode(order).finish())).kind === "valid";

/** Mostly what keeps the rule, and else what is close to it. */
const mostly = <T>(sound: fc.Arbitrary<T>, ...odd: T[]) =>
  fc.oneof({ weight: 12, arbitrary: sound }, { weight: 1, arbitrary: fc.constantFrom(...odd) });

const money = fc.record({
  currencyCode: mostly(fc.constant("GBP"), "EUR", "gbp", "", "GBPX", "GB"),
  units: mostly(fc.bigInt(0n, 100n), -1n, 2n ** 63n - 1n),
  nanos: mostly(fc.nat(999_999_999), -1, 1_000_000_000, 0),
});

const line: fc.Arbitrary<NewOrderLine> = fc.record({
  productId: mostly(
    fc.uuid(),
    "",
    "x",
    "0192F000-0000-7000-8000-000000000001",
    "0192f000-0000-7000-8000-00000000000g",
  ),
  quantity: mostly(fc.bigInt(1n, 1_000_000n), 0n, -1n, 1_000_001n, 2n ** 63n - 1n),
  unitPrice: fc.option(money, { nil: undefined }),
});

const bulkOrder = fc
  .record({
    lines: fc.array(line, { maxLength: 4 }),
    userId: mostly(fc.constant(""), "0192f000-0000-7000-8000-000000000001", "x"),
    paymentMethodToken: mostly(fc.constant("pm"), ""),
  })
  .map(({ lines, userId, paymentMethodToken }) => {
    const guest = userId === "" ? { email: "a@b.co" } : undefined;
    const order = { ...NewOrder.fromPartial({ userId, paymentMethodToken, guest }), lines };
    return { position: 1n, order };
  });

test("an order breaks a rule for the check if and only if it does for the validator that sees all of it", () => {
  fc.assert(
    fc.property(bulkOrder, (order) => {
      expect(check(order) === undefined).toBe(isValid(order));
    }),
    { numRuns: 400 },
  );
});

test("lines that are sound break no rule, whatever the order beside them is", () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 3 }), (lines) => {
      const order = { ...NewOrder.fromPartial({ guest: {}, paymentMethodToken: "pm" }), lines };
      if (hasSoundLines(order)) expect(isValid({ position: 0n, order })).toBe(true);
    }),
    { numRuns: 400 },
  );
});

const lineOf = (changes: Partial<NewOrderLine> = {}): NewOrderLine => ({
  productId: "0192f000-0000-7000-8000-000000000001",
  quantity: 1n,
  unitPrice: undefined,
  ...changes,
});
const orderOf = (lines: NewOrderLine[], changes: Partial<NewOrder> = {}): BulkOrder => ({
  position: 0n,
  order: { ...NewOrder.fromPartial({ guest: {}, paymentMethodToken: "pm" }), lines, ...changes },
});

test("the fault names the line among hundreds, and the number of lines is counted", () => {
  const lines = Array.from({ length: 600 }, (_, n) => lineOf({ quantity: n === 417 ? 0n : 1n }));
  expect(check(orderOf(lines))).toMatchObject({
    reason: "INVALID_ORDER",
    field: "order.lines[417].quantity",
  });
  expect(check(orderOf(Array(1_000).fill(lineOf())))).toBeUndefined();
  expect(check(orderOf(Array(1_001).fill(lineOf())))).toMatchObject({ field: "order.lines" });
  expect(check(orderOf([]))).toMatchObject({ field: "order.lines" });
});

test("a time that no date can hold is a fault of its field", () => {
  expect(check(orderOf([lineOf()], { placedTime: new Date(Number.NaN) }))).toMatchObject({
    field: "order.placed_time",
  });
});
