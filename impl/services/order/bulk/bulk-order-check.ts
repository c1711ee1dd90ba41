// The rules of the schema for one order of a bulk job, so that an order that breaks one is reported and not fatal. Orders of hundreds of
// lines are usual here, and a line costs the validator as much as a dozen of them cost the decoder. Invariant: the verdict is the
// validator's; in place of lines that all keep the rules of a line it sees one that does.
import { create, type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import type { Schema } from "#impl/runtime/schema.ts";
import type { NewOrder, NewOrderLine } from "#proto/ecommerce/v1/order.ts";
import { BulkOrder } from "#proto/ecommerce/v1/order_bulk.ts";
import type { Fault } from "./bulk-order.ts";

/** The first rule that the order breaks. */
export type CheckBulkOrder = (order: BulkOrder) => Fault | undefined;

const UNNAMED = { field: [], message: "is not valid" };
const SOUND: NewOrderLine[] = [
  { productId: "00000000-0000-0000-0000-000000000000", quantity: 1n, unitPrice: undefined },
];
const MAX_LINES = 1_000;
const MAX_QUANTITY = 1_000_000n;
const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
const CURRENCY = /^[A-Z]{3}$/;

/** Compiles the rules now, which takes a tenth of a second. */
export function createBulkOrderCheck(schema: Schema): CheckBulkOrder {
  const desc = bulkOrderDescriptor(schema);
  const validator = createValidator({ registry: schema.registry, failFast: true });
  validator.validate(desc, create(desc));
  return (bulkOrder) => {
    const placedTime = bulkOrder.order?.placedTime?.getTime();
    if (Number.isNaN(placedTime)) return fault("order.placed_time", "must be from year 0001 to now");
    const reduced = withoutSoundLines(bulkOrder);
    const result = validator.validate(desc, fromBinary(desc, BulkOrder.encode(reduced).finish()));
    if (result.kind === "error") throw result.error;
    if (result.kind === "valid") return undefined;
    const { field, message } = result.violations[0] ?? UNNAMED;
    return fault(pathToString(field), message);
  };
}

function fault(field: string, message: string): Fault {
  return { reason: "INVALID_ORDER", field, message };
}

function withoutSoundLines(bulkOrder: BulkOrder): BulkOrder {
  const { order } = bulkOrder;
  if (order === undefined || !hasSoundLines(order)) return bulkOrder;
  return { ...bulkOrder, order: { ...order, lines: SOUND } };
}

/** True only when there are lines, and none breaks a rule, alone or beside the others. */
export function hasSoundLines({ lines }: NewOrder): boolean {
  if (lines.length < 1 || lines.length > MAX_LINES) return false;
  const currency = lines.find(({ unitPrice }) => unitPrice !== undefined)?.unitPrice?.currencyCode;
  if (currency !== undefined && !CURRENCY.test(currency)) return false;
  return lines.every((line) => isSound(line, currency));
}

function isSound({ productId, quantity, unitPrice }: NewOrderLine, currency: string | undefined): boolean {
  if (quantity < 1n || quantity > MAX_QUANTITY || !UUID.test(productId)) return false;
  if (unitPrice === undefined) return true;
  const { currencyCode, units, nanos } = unitPrice;
  if (currencyCode !== currency || units < 0n || nanos < 0 || nanos >= 1_000_000_000) return false;
  return units > 0n || nanos > 0;
}

function bulkOrderDescriptor({ registry }: Schema): DescMessage {
  const desc = registry.getMessage("ecommerce.v1.BulkOrder");
  if (desc === undefined) throw new Error("the schema has no ecommerce.v1.BulkOrder");
  return desc;
}
