// What a search is: conditions, an order, and where in that order a page begins. SQL is built from it elsewhere.
import { FacetKind } from "#proto/ecommerce/v1/product_service.ts";
import type { Availability } from "./product.ts";

export { FacetKind };

/** Conditions joined by "and"; an absent one does not restrict. */
export interface SearchConditions {
  /** As in a web search. Not empty. */
  readonly query: string | undefined;
  /** This one and those below it. */
  readonly category: string | undefined;
  readonly price: PriceCondition | undefined;
  /** The attribute has one of the values. */
  readonly attributes: readonly { readonly name: string; readonly values: readonly string[] }[];
  /** One of these; empty for any. */
  readonly availabilities: readonly Availability[];
}

/** In minor units, both bounds included. */
export interface PriceCondition {
  readonly currency: string;
  readonly min: bigint | undefined;
  readonly max: bigint | undefined;
}

export type SearchOrder = "relevance" | "newest" | "cheapest" | "dearest" | "name";

/** The values of the order's keys for the last product of a page, as PostgreSQL writes them. */
export type SearchPosition = readonly string[];

export interface ProductSearch {
  readonly conditions: SearchConditions;
  /** "relevance" only with a query. */
  readonly order: SearchOrder;
  readonly after: SearchPosition | undefined;
  readonly pageSize: number;
}
