// Real sales as a shop sees them: orders, stock and refunds, in the order in which they happened.

export interface Trace {
  /** Names of the files. */
  readonly days: readonly string[];
  readonly rows: number;
  /** Distinct invoice numbers, cancellations included. */
  readonly invoices: number;
  readonly orders: readonly TraceOrder[];
  readonly refunds: readonly TraceRefund[];
  /** Rows that make neither an order line nor a refund, by reason. */
  readonly rejected: Readonly<Record<string, number>>;
}

/** An invoice with at least one valid row. */
export interface TraceOrder {
  readonly invoice: string;
  /** Undefined: a guest. */
  readonly customerId: string | undefined;
  readonly placedTime: Date;
  readonly lines: readonly TraceLine[];
}

export interface TraceLine {
  readonly sku: string;
  readonly quantity: number;
  /** Pence. */
  readonly unitPriceMinor: number;
}

/** A row of a cancellation, as far as it is matched to what its customer had bought before. */
export interface TraceRefund {
  /** The cancellation's invoice number. */
  readonly invoice: string;
  readonly time: Date;
  readonly parts: readonly RefundPart[];
}

export interface RefundPart {
  /** Index into the orders. */
  readonly order: number;
  /** Counted from 1. */
  readonly lineNumber: number;
  readonly quantity: number;
  /** Pence: what was paid for these units. */
  readonly amountMinor: number;
}
