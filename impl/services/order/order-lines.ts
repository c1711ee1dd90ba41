// The lines of an order as it is asked for, priced: from the catalogue, or as the caller has it. All of one currency.
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import type { NewOrderLine } from "#proto/ecommerce/v1/order.ts";
import { type Money, readMoney } from "../shared/money.ts";
import type { CatalogueEntry } from "./catalogue-lookup.ts";
import type { OrderLine } from "./order.ts";

/** What a line is before its part of the charges is known. */
export type PricedLine = Omit<OrderLine, "paidMinor">;

export interface PricedLines {
  readonly lines: readonly PricedLine[];
  readonly currency: string;
}

/** The currency is that of the first line; a line of another is a violation. `catalogue` is by id in lower case. */
export function readLines(
  asked: readonly NewOrderLine[],
  catalogue: ReadonlyMap<string, CatalogueEntry>,
): PricedLines | { readonly violations: readonly FieldViolation[] } {
  const violations: FieldViolation[] = [];
  const lines: PricedLine[] = [];
  let currency: string | undefined;
  for (const [index, line] of asked.entries()) {
    const field = `order.lines[${index}]`;
    const product = productOf(line, catalogue, field);
    if ("reason" in product) {
      violations.push(product);
      continue;
    }
    const price = priceOf(line, product, field);
    if ("reason" in price) {
      violations.push(price);
      continue;
    }
    currency ??= price.currency;
    if (price.currency !== currency) violations.push(otherCurrency(line, field, price.currency, currency));
    lines.push(pricedLine(index + 1, line, product, price));
  }
  if (violations.length > 0 || currency === undefined) return { violations };
  return { lines, currency };
}

function productOf(
  { productId }: NewOrderLine,
  catalogue: ReadonlyMap<string, CatalogueEntry>,
  field: string,
): CatalogueEntry | FieldViolation {
  const product = catalogue.get(productId.toLowerCase());
  const refuse = (rule: string, description: string): FieldViolation => ({
    field: `${field}.product_id`,
    description,
    reason: `order.${rule}`,
  });
  if (product === undefined) return refuse("unknown_product", `${productId} is not in the catalogue`);
  if (product.deleted) return refuse("deleted_product", `${productId} is no longer in the catalogue`);
  return product;
}

function priceOf(
  { unitPrice }: NewOrderLine,
  product: CatalogueEntry,
  field: string,
): Money | FieldViolation {
  return unitPrice === undefined ? product.price : readMoney(unitPrice, `${field}.unit_price`);
}

function otherCurrency(
  { unitPrice }: NewOrderLine,
  field: string,
  currency: string,
  first: string,
): FieldViolation {
  return {
    field: `${field}.${unitPrice === undefined ? "product_id" : "unit_price"}`,
    description: `is priced in ${currency}, and the lines before it in ${first}: an order has one currency`,
    reason: "order.currency",
  };
}

function pricedLine(
  lineNumber: number,
  { quantity, unitPrice }: NewOrderLine,
  { productId, sku, name }: CatalogueEntry,
  price: Money,
): PricedLine {
  return {
    lineNumber,
    productId,
    sku,
    name,
    quantity,
    unitPriceMinor: price.minorUnits,
    priceOverridden: unitPrice !== undefined,
    requestedQuantity: 0n,
    returnedQuantity: 0n,
    withdrawnQuantity: 0n,
    refundingQuantity: 0n,
    refundingMinor: 0n,
    refundedQuantity: 0n,
    refundedMinor: 0n,
  };
}
