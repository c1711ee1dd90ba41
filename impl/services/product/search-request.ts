// A search as it is on the wire, from and to the domain's form, and the binding of its page tokens to its arguments.
import type { PriceRange } from "#proto/ecommerce/v1/product.ts";
import {
  type Facet,
  type FacetCount,
  ProductOrder,
  type SearchProductsRequest,
} from "#proto/ecommerce/v1/product_service.ts";
import { formatAmount, moneyFromProto, moneyToProto } from "../shared/money.ts";
import type { PageTokens, TokenUse } from "../shared/page-token.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import {
  FacetKind,
  type PriceCondition,
  type ProductSearch,
  type SearchConditions,
  type SearchOrder,
  type SearchPosition,
} from "./product-search.ts";
import type { FacetRow } from "./search-facets.ts";

const DEFAULT_PAGE_SIZE = 40;
const MAX_PAGE_SIZE = 200;

/** Throws INVALID_ARGUMENT for prices that are not exact amounts, text that nothing can match, and a foreign page token. */
export function searchOf(request: SearchProductsRequest, tokens: PageTokens): ProductSearch {
  const conditions = conditionsOf(request);
  const order = orderOf(request.order, conditions);
  return {
    conditions,
    order,
    after: request.pageToken === "" ? undefined : openToken(request.pageToken, conditions, order, tokens),
    pageSize: request.pageSize === 0 ? DEFAULT_PAGE_SIZE : Math.min(request.pageSize, MAX_PAGE_SIZE),
  };
}

function conditionsOf(request: SearchProductsRequest): SearchConditions {
  requireStorableText(request, "");
  return {
    query: request.query.trim() === "" ? undefined : request.query,
    category: request.category === "" ? undefined : request.category,
    price: request.priceRange === undefined ? undefined : priceCondition(request.priceRange),
    attributes: request.attributes,
    availabilities: request.availabilities,
  };
}

/** Undefined for a range without bounds. Throws INVALID_ARGUMENT, on a bound of `field`, for an amount that is not exact. */
export function priceCondition({ min, max }: PriceRange, field = "price_range"): PriceCondition | undefined {
  const least = min === undefined ? undefined : moneyFromProto(min, `${field}.min`);
  const most = max === undefined ? undefined : moneyFromProto(max, `${field}.max`);
  const currency = (least ?? most)?.currency;
  return currency === undefined ? undefined : { currency, min: least?.minorUnits, max: most?.minorUnits };
}

function orderOf(order: ProductOrder, { query }: SearchConditions): SearchOrder {
  switch (order) {
    case ProductOrder.PRODUCT_ORDER_PRICE_ASC:
      return "cheapest";
    case ProductOrder.PRODUCT_ORDER_PRICE_DESC:
      return "dearest";
    case ProductOrder.PRODUCT_ORDER_NAME:
      return "name";
    case ProductOrder.PRODUCT_ORDER_NEWEST:
      return "newest";
    default:
      return query === undefined ? "newest" : "relevance";
  }
}

/** The token of the page that begins after `position`; empty when there is none. */
export function nextPageToken(
  { conditions, order }: ProductSearch,
  position: SearchPosition | undefined,
  tokens: PageTokens,
): string {
  return position === undefined ? "" : tokens.seal(tokenUse(conditions, order), JSON.stringify(position));
}

function openToken(
  token: string,
  conditions: SearchConditions,
  order: SearchOrder,
  tokens: PageTokens,
): SearchPosition {
  return JSON.parse(tokens.open(tokenUse(conditions, order), token));
}

function tokenUse(
  { query, category, price, attributes, availabilities }: SearchConditions,
  order: SearchOrder,
): TokenUse {
  const boundTo = JSON.stringify([
    order,
    query ?? null,
    category ?? null,
    price === undefined ? null : [price.currency, String(price.min), String(price.max)],
    attributes.map(({ name, values }) => [name, ...values]),
    availabilities,
  ]);
  return { purpose: "products.search.1", field: "page_token", boundTo };
}

/** One facet for each kind that was asked for, and for attributes one each. */
export function facetMessages(kinds: readonly FacetKind[], rows: readonly FacetRow[]): Facet[] {
  return kinds.flatMap((kind) => {
    const ofKind = rows.filter((row) => row.kind === kind);
    if (kind !== FacetKind.FACET_KIND_ATTRIBUTES) return [facetMessage(kind, "", ofKind)];
    const byName = Map.groupBy(ofKind, ({ attribute }) => attribute);
    return [...byName].map(([attribute, values]) => facetMessage(kind, attribute, values));
  });
}

function facetMessage(kind: FacetKind, attribute: string, rows: readonly FacetRow[]): Facet {
  const shown = rows.reduce((sum, { count }) => sum + count, 0n);
  // Price bands leave nothing out, and their totals are by currency.
  const all = kind === FacetKind.FACET_KIND_PRICE_BANDS ? shown : (rows[0]?.total ?? 0n);
  return { kind, attribute, counts: rows.map(countMessage), otherCount: all - shown };
}

function countMessage({ value, count, min, max }: FacetRow): FacetCount {
  if (min === null || max === null) return { value, count, priceRange: undefined };
  const lowest = { minorUnits: min, currency: value };
  const highest = { minorUnits: max, currency: value };
  return {
    value: `${formatAmount(lowest)}-${formatAmount(highest)} ${value}`,
    count,
    priceRange: { min: moneyToProto(lowest), max: moneyToProto(highest) },
  };
}
