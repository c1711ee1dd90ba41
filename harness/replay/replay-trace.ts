// Makes a fresh system live through a trace, over its public API alone, and reads back what came of it.

import { awaitProcessing } from "#harness/shop/await-processing.ts";
import { shopCallers } from "#harness/shop/shop-callers.ts";
import { allOrders } from "#harness/shop/shop-lists.ts";
import { catalogueOf } from "#harness/sut/catalogue.ts";
import { seedShop } from "#harness/sut/seed-shop.ts";
import type { Shop } from "#harness/workload/shop.ts";
import type { WireConnection } from "#wire/connection.ts";
import { type PlacedOrders, placeOrders } from "./place-orders.ts";
import { contradictions, figuresOf } from "./read-back.ts";
import { receiveStock } from "./receive-stock.ts";
import { refundOrders } from "./refund-orders.ts";
import { expectedTotals, type ReplayTotals } from "./replay-totals.ts";
import type { Trace } from "./trace.ts";

export interface ReplayOptions {
  readonly connection: WireConnection;
  /** Of a caller with OPERATOR_PERMISSIONS. */
  readonly token: string;
  readonly trace: Trace;
  /** The catalogue and the customers of the same data. */
  readonly shop: Shop;
  readonly speed: number | undefined;
  readonly onStep: (text: string, done: number, of: number) => void;
  readonly signal: AbortSignal;
}

export interface Replayed {
  /** As the services have it; of the files only what no service is told: days, rows, invoices, rejected. */
  readonly totals: ReplayTotals;
  /** Where services disagree with each other, and what they refused. */
  readonly problems: readonly string[];
  readonly placed: PlacedOrders;
  /** From the last order's acceptance to the end of all processing. */
  readonly processingSeconds: number;
}

export async function replayTrace(options: ReplayOptions): Promise<Replayed> {
  const { connection, token, trace, shop, speed, onStep, signal } = options;
  const callers = shopCallers(connection, token, signal);
  const count = trace.orders.length;
  onStep("importing products and customers", 0, count);
  const seeded = await seedShop({ connection, token, shop: catalogueOf(shop) });
  await receiveStock(callers, trace, seeded);
  let done = 0;
  const onPlaced = (more: number): void => {
    done += more;
    onStep("placing orders", done, count);
  };
  const placed = await placeOrders({ callers, trace, seeded, speed, onPlaced, signal });
  const began = performance.now();
  await awaitProcessing(callers, (left) => onStep("processing orders", count - left, count), signal);
  const processingSeconds = (performance.now() - began) / 1000;
  onStep("refunding", count, count);
  const byInvoice = new Map((await allOrders(callers)).map((order) => [order.reference, order]));
  const refunded = await refundOrders(callers, trace, byInvoice);
  onStep("reading back", count, count);
  const figures = figuresOf(await allOrders(callers));
  const problems = [
    ...seeded.refused.map(({ reason, count: rows }) => `import: ${reason} (${rows})`),
    ...placed.refused.map((reason) => `order refused: ${reason}`),
    ...refunded.refused.map((reason) => `refund refused: ${reason}`),
    ...(await contradictions(callers, figures, [...seeded.productIds.values()])),
  ];
  const totals = { ...expectedTotals(trace), ...figures, refundsMatched: refunded.matched };
  return { totals, problems, placed, processingSeconds };
}
