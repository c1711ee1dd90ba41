// From rows of retail data to what a shop has to do. Pure, and the only place that decides what a row means: an invoice is an order
// of its valid rows; a cancellation gives back what the same customer bought of the product before, the earliest purchase first, as
// long as units are left.

import type { RetailData } from "#harness/workload/retail-csv.ts";
import {
  type CancellationLine,
  type RejectedRow,
  readCancellation,
  type SaleLine,
} from "#harness/workload/retail-row.ts";
import type { RefundPart, Trace, TraceOrder, TraceRefund } from "./trace.ts";

/** What one order can carry. */
export const MOST_LINES = 1000;

/** Units of one order line that have not been given back. */
interface Purchase {
  readonly order: number;
  readonly lineNumber: number;
  readonly at: Place;
  readonly unitPriceMinor: number;
  left: number;
}

/** A row's place in the data, which is in the order of time. */
type Place = readonly [day: number, line: number];

/** Throws RangeError for an invoice with more lines than an order can have. */
export function planTrace(data: RetailData): Trace {
  const place = ({ file, line }: { file: string; line: number }): Place => [data.days.indexOf(file), line];
  const byInvoice = Map.groupBy(data.sales, ({ invoice }) => invoice);
  const orders = [...byInvoice].map(([invoice, rows]) => orderOf(invoice, rows));
  const purchases = purchasesOf([...byInvoice.values()], place);
  const rejected: Record<string, number> = {};
  const reject = (reason: string): void => {
    rejected[reason] = (rejected[reason] ?? 0) + 1;
  };
  const refunds: TraceRefund[] = [];
  for (const row of data.rejected) {
    const line =
      row.reason === "cancellation" && row.raw !== undefined ? readCancellation(row.raw) : row.reason;
    if (typeof line === "string") {
      reject(line);
      continue;
    }
    const parts = match(line, place(row), purchases);
    if (parts.length === 0) reject("cancellation-without-order");
    else refunds.push({ invoice: line.invoice, time: timeOf(row.raw?.InvoiceDate ?? ""), parts });
  }
  return { days: data.days, rows: data.rows, invoices: invoicesOf(data), orders, refunds, rejected };
}

function orderOf(invoice: string, rows: readonly SaleLine[]): TraceOrder {
  if (rows.length > MOST_LINES) {
    throw new RangeError(`invoice ${invoice} has ${rows.length} lines; an order can have ${MOST_LINES}`);
  }
  return {
    invoice,
    customerId: rows.find((row) => row.customerId !== undefined)?.customerId,
    placedTime: timeOf(rows[0]?.invoiceDate ?? ""),
    lines: rows.map(({ stockCode, quantity, unitPriceMinor }) => ({
      sku: stockCode,
      quantity,
      unitPriceMinor,
    })),
  };
}

/** By customer and product, the earliest first. */
function purchasesOf(
  orders: readonly (readonly SaleLine[])[],
  place: (row: SaleLine) => Place,
): Map<string, Purchase[]> {
  const purchases = new Map<string, Purchase[]>();
  for (const [order, rows] of orders.entries()) {
    for (const [index, row] of rows.entries()) {
      if (row.customerId === undefined) continue;
      const key = keyOf(row.customerId, row.stockCode);
      const purchase = {
        order,
        lineNumber: index + 1,
        at: place(row),
        unitPriceMinor: row.unitPriceMinor,
        left: row.quantity,
      };
      purchases.set(key, [...(purchases.get(key) ?? []), purchase]);
    }
  }
  for (const list of purchases.values()) list.sort((one, other) => compare(one.at, other.at));
  return purchases;
}

/** Takes from what is left. Empty when nothing is. */
function match(
  { customerId, stockCode, quantity }: CancellationLine,
  at: Place,
  purchases: ReadonlyMap<string, readonly Purchase[]>,
): RefundPart[] {
  const parts: RefundPart[] = [];
  let wanted = quantity;
  for (const purchase of purchases.get(keyOf(customerId, stockCode)) ?? []) {
    const units = Math.min(wanted, purchase.left);
    if (units === 0 || compare(purchase.at, at) >= 0) continue;
    purchase.left -= units;
    wanted -= units;
    const { order, lineNumber, unitPriceMinor } = purchase;
    parts.push({ order, lineNumber, quantity: units, amountMinor: units * unitPriceMinor });
  }
  return parts;
}

function keyOf(customerId: string, stockCode: string): string {
  return `${customerId} ${stockCode}`;
}

function compare([day, line]: Place, [otherDay, otherLine]: Place): number {
  return day - otherDay || line - otherLine;
}

function invoicesOf({ sales, rejected }: RetailData): number {
  const ofRejected = (row: RejectedRow): string => row.raw?.InvoiceNo.trim() ?? "";
  const numbers = new Set([...sales.map(({ invoice }) => invoice), ...rejected.map(ofRejected)]);
  numbers.delete("");
  return numbers.size;
}

/** The data has local times without a zone; they are taken as UTC. */
function timeOf(invoiceDate: string): Date {
  return new Date(`${invoiceDate.replace(" ", "T")}Z`);
}
