// What happened to a product as an event of the service's log: written in the transaction of the change, read by every stream that
// shows it. The payload is the update as a stream without a filter sends it.
import { isDeepStrictEqual } from "node:util";
import type { Event, NewEvent } from "#impl/storage/events/event.ts";
import type { Product as ProductMessage } from "#proto/ecommerce/v1/product.ts";
import { ProductUpdate, ProductUpdateKind } from "#proto/ecommerce/v1/product_service.ts";
import { type Money, moneyFromProto, moneyToProto } from "../shared/money.ts";
import { oncePerEvent } from "../shared/once-per-event.ts";
import type { Product, ProductContent } from "./product.ts";
import { productMessage } from "./product-messages.ts";

export { ProductUpdateKind };

/** "created" is also for one that was undeleted. */
export type ChangeKind = "created" | "updated" | "deleted";

/** What an update can change. */
export type Changeable = ProductContent & Pick<Product, "images">;

const KINDS = {
  created: ProductUpdateKind.PRODUCT_UPDATE_KIND_CREATED,
  updated: ProductUpdateKind.PRODUCT_UPDATE_KIND_UPDATED,
  deleted: ProductUpdateKind.PRODUCT_UPDATE_KIND_DELETED,
} as const;

/** Named as the fields of the message. */
const CHANGEABLE = [
  "name",
  "description",
  "category",
  "price",
  "attributes",
  "images",
  "availability",
] as const satisfies (keyof Changeable)[];

/** `before` is needed for "updated" only. */
export function productEvent(kind: ChangeKind, after: Product, before: Changeable = after): NewEvent {
  const changed = changedFields(before, after);
  const update = ProductUpdate.fromPartial({
    kind: KINDS[kind],
    product: productMessage(after),
    changedFields: kind === "updated" ? changed : undefined,
    eventTime: after.updateTime,
    previousCategory: changed.includes("category") ? before.category : "",
    previousPrice: changed.includes("price") ? moneyToProto(before.price) : undefined,
  });
  const categories = [...categoryKeys(after.category), ...categoryKeys(before.category)];
  return {
    type: `product.${kind}`,
    keys: [productKey(after.productId), ...new Set(categories)],
    payload: ProductUpdate.encode(update).finish(),
  };
}

export function productKey(productId: string): string {
  return `product/${productId.toLowerCase()}`;
}

/** Of products in the category or below it. */
export function categoryKey(category: string): string {
  return `category/${category}`;
}

function categoryKeys(category: string): string[] {
  if (category === "") return [];
  const words = category.split("/");
  return words.map((_, depth) => categoryKey(words.slice(0, depth + 1).join("/")));
}

function changedFields(before: Changeable, after: Changeable): string[] {
  return CHANGEABLE.filter((field) => !isDeepStrictEqual(before[field], after[field]));
}

/** What filters look at. */
export interface Placing {
  readonly category: string;
  readonly price: Money;
}

export interface ProductChange {
  readonly update: ProductUpdate;
  readonly productId: string;
  readonly before: Placing;
  readonly after: Placing;
}

export const readChange = oncePerEvent((event: Event): ProductChange => {
  const update = ProductUpdate.decode(event.payload);
  const { product } = update;
  if (product?.price === undefined) throw new Error(`event ${event.position} holds no product with a price`);
  const after = { category: product.category, price: moneyFromProto(product.price, "price") };
  const changed = new Set(update.changedFields);
  return {
    update,
    productId: product.productId,
    after,
    before: {
      category: changed.has("category") ? update.previousCategory : after.category,
      price: changed.has("price") ? previousPrice(update) : after.price,
    },
  };
});

function previousPrice({ previousPrice }: ProductUpdate): Money {
  if (previousPrice === undefined) throw new Error("a changed price has no previous one");
  return moneyFromProto(previousPrice, "previous_price");
}

/** The update of a product that is there when a stream begins. */
export function snapshotUpdate(product: ProductMessage): ProductUpdate {
  return ProductUpdate.fromPartial({
    kind: ProductUpdateKind.PRODUCT_UPDATE_KIND_SNAPSHOT,
    product,
    eventTime: product.updateTime,
  });
}
