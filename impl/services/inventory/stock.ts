// How many units of a product there are, and how they move: received -> available <-> reserved -> sold. Every move keeps
// available + reserved + sold = received; whether there is enough for it is its caller's question. No I/O.
export const STOCK_TYPE = "ecommerce.v1.Stock";

/** What a product can have received in all: exact also where a number is a double. */
export const MAX_RECEIVED_UNITS = 1_000_000_000_000_000n;

export interface Amounts {
  readonly received: bigint;
  readonly available: bigint;
  readonly reserved: bigint;
  readonly sold: bigint;
}

export interface Stock extends Amounts {
  readonly productId: string;
  /** From how much available on, and below, the product counts as low. 0 is never. */
  readonly lowStockThreshold: bigint;
  /** Grows by one with every change. 0 before the first delivery, when there is no row. */
  readonly version: bigint;
  readonly updateTime: Date;
}

/** Units of one product. */
export interface Item {
  /** In lower case. */
  readonly productId: string;
  readonly quantity: bigint;
}

/** A move of units: what is added to each amount. */
export type Move = (units: bigint) => Partial<Amounts>;

export const receive: Move = (units) => ({ received: units, available: units });
export const reserve: Move = (units) => ({ available: -units, reserved: units });
export const sell: Move = (units) => ({ reserved: -units, sold: units });
export const letGo: Move = (units) => ({ reserved: -units, available: units });
export const takeBack: Move = (units) => ({ sold: -units, available: units });

/** Before the first delivery. */
export function noStock(productId: string, now: Date): Stock {
  const none = { received: 0n, available: 0n, reserved: 0n, sold: 0n };
  return { productId, ...none, lowStockThreshold: 0n, version: 0n, updateTime: now };
}

export function moved(stock: Stock, change: Partial<Amounts>, now: Date): Stock {
  const { received = 0n, available = 0n, reserved = 0n, sold = 0n } = change;
  return {
    productId: stock.productId,
    received: stock.received + received,
    available: stock.available + available,
    reserved: stock.reserved + reserved,
    sold: stock.sold + sold,
    lowStockThreshold: stock.lowStockThreshold,
    version: stock.version + 1n,
    updateTime: now,
  };
}

export function withThreshold(stock: Stock, lowStockThreshold: bigint, now: Date): Stock {
  return { ...stock, lowStockThreshold, version: stock.version + 1n, updateTime: now };
}

export function isLow({ available, lowStockThreshold }: Stock): boolean {
  return lowStockThreshold > 0n && available <= lowStockThreshold;
}

/** The same units with no product twice, in the order of first mention: a UUID can be spelled in two ways. */
export function summed(items: readonly Item[]): readonly Item[] {
  const units = new Map<string, bigint>();
  for (const item of items) {
    const productId = item.productId.toLowerCase();
    units.set(productId, (units.get(productId) ?? 0n) + item.quantity);
  }
  return [...units].map(([productId, quantity]) => ({ productId, quantity }));
}
