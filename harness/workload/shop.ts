// The shop a workload reads: products and customers with how often each is asked for, and the baskets in which that happened.
// The same shape whether it comes from real sales or was made up.

export interface ShopProduct {
  /** Unique, case-sensitive, 1 to 64 printable ASCII characters. */
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  /** Path of lower-case words, such as "home/lighting". */
  readonly category: string;
  /** Minor units of GBP. */
  readonly priceMinor: number;
  /** How many basket lines name it; made up or counted, only ratios matter. */
  readonly weight: number;
}

export interface ShopCustomer {
  /** As the source calls it; not the system's id. */
  readonly id: string;
  readonly country: string;
  /** How many baskets are its. */
  readonly weight: number;
}

export interface Basket {
  /** Index into `customers`; null is a guest. */
  readonly customer: number | null;
  /** Indexes into `products`, one for each line, in order; a product may come twice. Never empty. */
  readonly products: readonly number[];
}

export interface Shop {
  readonly source: "retail" | "synthetic";
  /** In one sentence for the report: where it comes from, with the seed and the skew of a made-up one. */
  readonly about: string;
  /** In order of first appearance. */
  readonly products: readonly ShopProduct[];
  readonly customers: readonly ShopCustomer[];
  /** In the order of the invoices. */
  readonly baskets: readonly Basket[];
}
