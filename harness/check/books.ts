// What the services and the provider say when nothing runs any more. Plain values, so that a checker needs no protobuf and a test writes
// its histories by hand. Amounts are in minor units of one currency.

export interface OrderBook {
  readonly orderId: string;
  readonly requestId: string;
  /** Names its version. */
  readonly etag: string;
  readonly status: string;
  /** Units by product id, over all lines. */
  readonly units: ReadonlyMap<string, bigint>;
  /** Of these, units that went back into stock. */
  readonly restocked: ReadonlyMap<string, bigint>;
  readonly total: bigint;
  readonly captured: bigint;
  readonly refunded: bigint;
}

export interface PaymentBook {
  readonly paymentId: string;
  readonly orderId: string;
  readonly state: string;
  readonly captured: bigint;
  readonly refunded: bigint;
  /** An attempt whose outcome is not known yet. */
  readonly pending: boolean;
}

export interface StockBook {
  readonly productId: string;
  readonly received: bigint;
  readonly available: bigint;
  readonly reserved: bigint;
  readonly sold: bigint;
}

/** What the provider really did for one order. */
export interface ProviderBook {
  readonly orderId: string;
  readonly authorizations: number;
  readonly captures: number;
  readonly captured: bigint;
  readonly refunded: bigint;
  /** Authorized, and neither captured nor voided. */
  readonly open: bigint;
}

export interface Books {
  readonly orders: readonly OrderBook[];
  readonly payments: readonly PaymentBook[];
  readonly stock: readonly StockBook[];
  readonly provider: readonly ProviderBook[];
}

/** Paid for and delivered, or on the way to it. */
export const FULFILLED: ReadonlySet<string> = new Set([
  "PROCESSING",
  "SHIPPED",
  "DELIVERED",
  "RETURN_REQUESTED",
  "RETURNED",
  "PARTIALLY_REFUNDED",
  "REFUNDED",
]);

/** Ended without a sale. */
export const UNDONE: ReadonlySet<string> = new Set(["CANCELLED", "PAYMENT_FAILED", "OUT_OF_STOCK", "FAILED"]);
