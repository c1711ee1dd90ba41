// What a replay must come to, and what it came to: the same figures from the files and from the services.

import type { Trace } from "./trace.ts";

/** Amounts in pence. */
export interface ReplayTotals {
  readonly days: number;
  readonly rows: number;
  readonly invoices: number;
  readonly orders: number;
  readonly lines: number;
  readonly units: number;
  readonly revenueMinor: bigint;
  /** Cancellation rows that were refunded. */
  readonly refundsMatched: number;
  readonly refundedMinor: bigint;
  /** Rows by reason. */
  readonly rejected: Readonly<Record<string, number>>;
}

/** From the files alone. */
export function expectedTotals({ days, rows, invoices, orders, refunds, rejected }: Trace): ReplayTotals {
  const lines = orders.flatMap((order) => order.lines);
  const parts = refunds.flatMap((refund) => refund.parts);
  return {
    days: days.length,
    rows,
    invoices,
    orders: orders.length,
    lines: lines.length,
    units: lines.reduce((sum, { quantity }) => sum + quantity, 0),
    revenueMinor: lines.reduce((sum, line) => sum + BigInt(line.quantity) * BigInt(line.unitPriceMinor), 0n),
    refundsMatched: refunds.length,
    refundedMinor: parts.reduce((sum, { amountMinor }) => sum + BigInt(amountMinor), 0n),
    rejected,
  };
}

/** "orders: 526 in the services, 527 in the files" for each figure that is not the same. */
export function differences(services: ReplayTotals, files: ReplayTotals): string[] {
  const flat = ({ rejected, ...figures }: ReplayTotals): Map<string, number | bigint> =>
    new Map<string, number | bigint>([
      ...Object.entries(figures),
      ...Object.entries(rejected).map(([reason, count]) => [`rejected ${reason}`, count] as const),
    ]);
  const [ofServices, ofFiles] = [flat(services), flat(files)];
  return [...new Set([...ofServices.keys(), ...ofFiles.keys()])].flatMap((name) => {
    const [found = 0, wanted = 0] = [ofServices.get(name), ofFiles.get(name)];
    return found === wanted ? [] : [`${name}: ${found} in the services, ${wanted} in the files`];
  });
}

/** The line that a replay ends with. */
export function totalsLine(totals: ReplayTotals, seconds: number): string {
  return JSON.stringify({
    days: totals.days,
    rows: totals.rows,
    invoices: totals.invoices,
    orders: totals.orders,
    lines: totals.lines,
    units: totals.units,
    revenue_minor: String(totals.revenueMinor),
    refunds_matched: totals.refundsMatched,
    refunded_minor: String(totals.refundedMinor),
    rejected: totals.rejected,
    seconds: Math.round(seconds * 10) / 10,
  });
}
