// How a day of a shop goes: orders by the hour, as the trace has them, or as a made-up day.

import type { RetailData } from "./retail-csv.ts";

/** Of a shop that opens at six and is busiest around noon, as the real one is. */
const MADE_UP: readonly number[] = [
  0, 0, 0, 0, 0, 0, 1, 3, 12, 22, 35, 38, 45, 40, 34, 30, 22, 12, 6, 4, 2, 0, 0, 0,
];

/** 24 numbers, from midnight on, over all days of the data. */
export function hourlyOrders(data: RetailData | undefined): number[] {
  if (data === undefined) return [...MADE_UP];
  const hours = new Array<number>(24).fill(0);
  const seen = new Set<string>();
  for (const { invoice, invoiceDate } of data.sales) {
    if (seen.has(invoice)) continue;
    seen.add(invoice);
    const hour = Number(/ (\d{2}):/.exec(invoiceDate)?.[1] ?? 0);
    hours[hour] = (hours[hour] ?? 0) + 1;
  }
  return hours;
}
