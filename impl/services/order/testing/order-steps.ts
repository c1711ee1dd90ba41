// What a random life of orders is made of.

/** Payment cards of every temper. */
export const CARDS = {
  faultless: "4242424242424242",
  declined: "4000000000009995",
  captureDeclined: "4000000000000341",
  refundFails: "4000000000005126",
} as const;

export interface WishedLine {
  readonly quantity: number;
  /** Pence for one unit. */
  readonly price: number;
  /** Whether one unit too few is in stock. */
  readonly short: boolean;
}

export interface CreateStep {
  readonly do: "create";
  readonly lines: readonly WishedLine[];
  /** Pence. */
  readonly shipping: number;
  readonly card: keyof typeof CARDS;
}

/** `order` counts from 0, and starts again after the last one. `stale`: sent with the etag of no version. */
interface OfOrder {
  readonly order: number;
  readonly stale: boolean;
}

/** `line` counts from 1. */
interface OfLine extends OfOrder {
  readonly line: number;
  readonly quantity: number;
}

export interface RefundStep extends OfLine {
  readonly do: "refund";
  readonly restock: boolean;
  /** Pence. Undefined: what was paid for the units. */
  readonly amount: number | undefined;
  /** Whether the caller expects another amount. */
  readonly surprised: boolean;
}

export type OrderStep =
  | CreateStep
  /** The request of an order, or of its last refund, once more; `changed`: with another content. */
  | { readonly do: "create again"; readonly order: number; readonly changed: boolean }
  | { readonly do: "refund again"; readonly order: number; readonly changed: boolean }
  /** Processing: to its end, or until the worker dies at this moment of its life. */
  | { readonly do: "work"; readonly until: number | undefined }
  | ({ readonly do: "cancel" | "ship" | "deliver" } & OfOrder)
  | ({ readonly do: "ask back" } & OfLine)
  | ({ readonly do: "take back"; readonly restock: boolean } & OfLine)
  | RefundStep
  /** The stream of its events breaks off and is resumed. */
  | { readonly do: "cut"; readonly order: number };
