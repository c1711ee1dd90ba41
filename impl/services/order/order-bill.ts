// The bill of an order: its charges, the caller's or the shop's own, the sums, and what each line is paid with, its part of the
// charges in it. The lines' parts add up to the total exactly.
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import type { NewOrder } from "#proto/ecommerce/v1/order.ts";
import { readMoney } from "../shared/money.ts";
import { type Charge, ChargeKind, type Order, type Totals } from "./order.ts";
import type { PricedLine } from "./order-lines.ts";
import type { Pricing } from "./pricing.ts";
import { proportionalParts } from "./proportional-parts.ts";

export type Bill = Pick<Order, "lines" | "charges" | "totals">;

const MAX_MINOR = 2n ** 63n - 1n;
const NO_MONEY = { currencyCode: "", units: 0n, nanos: 0 };

export function billOf(
  lines: readonly PricedLine[],
  currency: string,
  asked: Pick<NewOrder, "charges" | "shippingAddress">,
  pricing: Pricing,
): Bill | { readonly violations: readonly FieldViolation[] } {
  const lineTotals = lines.map(({ unitPriceMinor, quantity }) => unitPriceMinor * quantity);
  const linesMinor = lineTotals.reduce((sum, total) => sum + total, 0n);
  const charges = asked.charges === undefined ? [] : givenCharges(asked.charges.items, currency);
  const wrong = charges.filter((charge): charge is FieldViolation => "reason" in charge);
  if (wrong.length > 0) return { violations: wrong };
  const countryCode = asked.shippingAddress?.countryCode ?? "";
  const final =
    asked.charges === undefined
      ? pricing({ linesMinor, currency, countryCode })
      : charges.filter((charge): charge is Charge => "minorUnits" in charge);
  const totals = sumsOf(linesMinor, final);
  const violation = violationOf(totals);
  if (violation !== undefined) return { violations: [violation] };
  const parts = proportionalParts(totals.totalMinor - linesMinor, lineTotals);
  return {
    lines: lines.map((line, index) => ({
      ...line,
      paidMinor: (lineTotals[index] ?? 0n) + (parts[index] ?? 0n),
    })),
    charges: final,
    totals,
  };
}

function givenCharges(
  items: NonNullable<NewOrder["charges"]>["items"],
  currency: string,
): (Charge | FieldViolation)[] {
  return items.map(({ kind, label, amount = NO_MONEY }, index) => {
    const field = `order.charges.items[${index}].amount`;
    const money = readMoney(amount, field);
    if ("reason" in money) return money;
    if (money.currency === currency) return { kind, label, minorUnits: money.minorUnits };
    const description = `is in ${money.currency}, and the lines in ${currency}: an order has one currency`;
    return { field, description, reason: "order.currency" };
  });
}

function sumsOf(linesMinor: bigint, charges: readonly Charge[]): Totals {
  const sum = (kind: ChargeKind): bigint =>
    charges.reduce((total, charge) => (charge.kind === kind ? total + charge.minorUnits : total), 0n);
  const taxMinor = sum(ChargeKind.CHARGE_KIND_TAX);
  const shippingMinor = sum(ChargeKind.CHARGE_KIND_SHIPPING);
  const discountMinor = sum(ChargeKind.CHARGE_KIND_DISCOUNT);
  const totalMinor = linesMinor + taxMinor + shippingMinor - discountMinor;
  return { linesMinor, taxMinor, shippingMinor, discountMinor, totalMinor };
}

function violationOf({
  linesMinor,
  taxMinor,
  shippingMinor,
  discountMinor,
  totalMinor,
}: Totals): FieldViolation | undefined {
  if (totalMinor < 0n) {
    const description = "take off more than there is to pay";
    return { field: "order.charges", description, reason: "order.discount_too_large" };
  }
  if (linesMinor + taxMinor + shippingMinor > MAX_MINOR || discountMinor > MAX_MINOR) {
    const description = "must together cost what fits 64 bits in minor units";
    return { field: "order.lines", description, reason: "money.range" };
  }
  return undefined;
}
