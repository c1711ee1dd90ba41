// One row of the retail data, read by the rules of the trace: it is a valid sale, or it is rejected with the first rule that it
// breaks, in the order below. Never both, never neither. Pure: knows no files.

export interface SaleLine {
  readonly file: string;
  /** Of the record's beginning, from 1, the header included. */
  readonly line: number;
  readonly invoice: string;
  readonly stockCode: string;
  /** Trimmed, inner spaces single; may be empty. */
  readonly description: string;
  readonly quantity: number;
  /** Whole pennies. */
  readonly unitPriceMinor: number;
  /** As in the data: "2010-12-01 08:26:00", local time. */
  readonly invoiceDate: string;
  /** Undefined: a guest. */
  readonly customerId: string | undefined;
  readonly country: string;
}

export const rejectionReasons = Object.freeze({
  malformed: "the row has not as many fields as the header",
  cancellation: "the invoice number begins with C",
  "no-invoice": "the invoice number is empty",
  "no-stock-code": "the stock code is empty",
  quantity: "the quantity is not a whole number of 1 or more",
  "price-not-positive": "the unit price is not a number above 0",
  "price-not-in-pennies": "the unit price is not in whole pennies",
});

export type RejectionReason = keyof typeof rejectionReasons;

export interface RejectedRow {
  readonly file: string;
  readonly line: number;
  readonly reason: RejectionReason;
  /** The value that broke the rule. */
  readonly value: string;
  /** Undefined for a malformed row. */
  readonly raw?: RawRow;
}

export interface RawRow {
  readonly InvoiceNo: string;
  readonly StockCode: string;
  readonly Description: string;
  readonly Quantity: string;
  readonly InvoiceDate: string;
  readonly UnitPrice: string;
  readonly CustomerID: string;
  readonly Country: string;
}

export const columns = [
  "InvoiceNo",
  "StockCode",
  "Description",
  "Quantity",
  "InvoiceDate",
  "UnitPrice",
  "CustomerID",
  "Country",
] as const satisfies readonly (keyof RawRow)[];

/** Tells a sale from a rejected row. */
export function isRejected(row: SaleLine | RejectedRow): row is RejectedRow {
  return "reason" in row;
}

export function readRow(raw: RawRow, file: string, line: number): SaleLine | RejectedRow {
  const invoice = raw.InvoiceNo.trim();
  const stockCode = raw.StockCode.trim();
  const quantity = Number(raw.Quantity.trim() || Number.NaN);
  const price = raw.UnitPrice.trim();
  const reject = (reason: RejectionReason, value: string) => ({ file, line, reason, value, raw });

  if (invoice === "") return reject("no-invoice", raw.InvoiceNo);
  if (invoice.startsWith("C")) return reject("cancellation", invoice);
  if (stockCode === "") return reject("no-stock-code", raw.StockCode);
  if (!Number.isSafeInteger(quantity) || quantity < 1) return reject("quantity", raw.Quantity);
  if (!(Number(price || Number.NaN) > 0)) return reject("price-not-positive", price);
  const unitPriceMinor = pennies(price);
  if (unitPriceMinor === undefined) return reject("price-not-in-pennies", price);
  return {
    file,
    line,
    invoice,
    stockCode,
    description: raw.Description.trim().replace(/\s+/g, " "),
    quantity,
    unitPriceMinor,
    invoiceDate: raw.InvoiceDate.trim(),
    customerId: customerOf(raw.CustomerID),
    country: raw.Country.trim(),
  };
}

/** Goods that came back: a row of an invoice whose number begins with C. */
export interface CancellationLine {
  readonly invoice: string;
  readonly stockCode: string;
  /** How many came back, above 0. */
  readonly quantity: number;
  readonly customerId: string;
}

export type CancellationFault = "cancellation-without-customer" | "cancellation-quantity";

/** What a row that was rejected as a cancellation says, or why it says nothing that can be refunded. */
export function readCancellation(raw: RawRow): CancellationLine | CancellationFault {
  const quantity = -Number(raw.Quantity.trim() || Number.NaN);
  const customerId = customerOf(raw.CustomerID);
  if (!Number.isSafeInteger(quantity) || quantity < 1) return "cancellation-quantity";
  if (customerId === undefined) return "cancellation-without-customer";
  return { invoice: raw.InvoiceNo.trim(), stockCode: raw.StockCode.trim(), quantity, customerId };
}

/** Exact, from the digits: a binary fraction has no pennies. */
function pennies(price: string): number | undefined {
  const [, pounds, fraction = ""] = /^(\d+)(?:\.(\d{0,2})0*)?$/.exec(price) ?? [];
  if (pounds === undefined) return undefined;
  const minor = Number(pounds) * 100 + Number(fraction.padEnd(2, "0"));
  return Number.isSafeInteger(minor) ? minor : undefined;
}

/** The data writes customer 17850 as "17850.0", because some rows have none. */
function customerOf(field: string): string | undefined {
  const id = field.trim().replace(/\.0$/, "");
  return id === "" ? undefined : id;
}
