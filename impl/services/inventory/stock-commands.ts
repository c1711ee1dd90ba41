// The commands of the warehouse: deliveries, corrections, thresholds.
import { AdjustmentReason, StockEventKind } from "#proto/ecommerce/v1/inventory.ts";
import { requireEtag } from "../shared/etag.ts";
import { type Command, type LockedState, NO_EFFECTS, type StockChange } from "./command.ts";
import { insufficientStock, returnExceedsSold, stockLimit, stockNotFound } from "./inventory-errors.ts";
import {
  type Item,
  MAX_RECEIVED_UNITS,
  moved,
  noStock,
  receive,
  STOCK_TYPE,
  type Stock,
  summed,
  takeBack,
  withThreshold,
} from "./stock.ts";

const {
  STOCK_EVENT_KIND_RECEIVED: received,
  STOCK_EVENT_KIND_ADJUSTED: adjusted,
  STOCK_EVENT_KIND_THRESHOLD: thresholdSet,
} = StockEventKind;

export interface Delivery {
  readonly items: readonly Item[];
  readonly reference: string;
  readonly movedBy: string | undefined;
}

/** Adds what has arrived; the stocks are in the order of the items. */
export function receiveStock({ items, reference, movedBy }: Delivery): Command<readonly Stock[]> {
  const sums = summed(items);
  return {
    products: sums.map(({ productId }) => productId),
    reservations: [],
    decide(state) {
      const { now } = state;
      const changes = sums.map(({ productId, quantity }): StockChange => {
        const before = state.stock(productId) ?? noStock(productId, now);
        return { kind: received, after: moved(before, receive(quantity), now), quantity };
      });
      const afters = new Map(changes.map(({ after }) => [after.productId, after]));
      requireWithinLimit([...afters.values()]);
      const movements = changes.map(({ after: { productId, version }, quantity }) => {
        return { productId, version, reason: undefined, quantity, note: reference, movedBy };
      });
      const answer = items.flatMap(({ productId }) => afters.get(productId.toLowerCase()) ?? []);
      return { effects: { changes, movements }, answer };
    },
  };
}

export interface Adjustment {
  readonly productId: string;
  readonly delta: bigint;
  readonly reason: AdjustmentReason;
  readonly note: string;
  readonly etag: string;
  readonly movedBy: string | undefined;
}

export function adjustStock(adjustment: Adjustment): Command<Stock> {
  const { delta, reason, note, etag, movedBy } = adjustment;
  const productId = adjustment.productId.toLowerCase();
  return {
    products: [productId],
    reservations: [],
    decide(state) {
      const before = existing(state, productId);
      requireEtag(etag, before.version, STOCK_TYPE, productId);
      const after = corrected(before, adjustment, state.now);
      const movement = { productId, version: after.version, reason, quantity: delta, note, movedBy };
      return {
        effects: { changes: [{ kind: adjusted, after, quantity: delta }], movements: [movement] },
        answer: after,
      };
    },
  };
}

/** Setting what is set already changes nothing. */
export function setThreshold(id: string, threshold: bigint): Command<Stock> {
  const productId = id.toLowerCase();
  return {
    products: [productId],
    reservations: [],
    decide(state) {
      const before = existing(state, productId);
      if (before.lowStockThreshold === threshold) return { effects: NO_EFFECTS, answer: before };
      const after = withThreshold(before, threshold, state.now);
      return { effects: { changes: [{ kind: thresholdSet, after, quantity: 0n }] }, answer: after };
    },
  };
}

function corrected(stock: Stock, { reason, delta }: Adjustment, now: Date): Stock {
  const { productId, available, sold } = stock;
  if (reason === AdjustmentReason.ADJUSTMENT_REASON_RETURN) {
    if (delta > sold) throw returnExceedsSold(productId, delta, sold);
    return moved(stock, takeBack(delta), now);
  }
  if (-delta > available) throw insufficientStock([{ productId, requested: -delta, available }]);
  const after = moved(stock, receive(delta), now);
  requireWithinLimit([after]);
  return after;
}

function requireWithinLimit(stocks: readonly Stock[]): void {
  const over = stocks.filter(({ received }) => received > MAX_RECEIVED_UNITS);
  if (over.length > 0) throw stockLimit(over);
}

function existing(state: LockedState, productId: string): Stock {
  const stock = state.stock(productId);
  if (stock === undefined) throw stockNotFound(productId);
  return stock;
}
