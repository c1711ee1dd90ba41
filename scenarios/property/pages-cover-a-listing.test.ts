// Claim: pages of any sizes, read one after the other while rows are added, have everything that was there at the beginning exactly once,
// in the order of a full listing.
import fc from "fast-check";
import { v7 as uuidV7 } from "uuid";
import { afterAll, expect, test } from "vitest";
import { serviceCaller } from "#harness/rpc/service-caller.ts";
import { Product } from "#proto/ecommerce/v1/product.ts";
import {
  CreateProductRequest,
  ProductOrder,
  ProductServiceDefinition,
  SearchProductsRequest,
} from "#proto/ecommerce/v1/product_service.ts";
import {
  CreateRoomRequest,
  ListRoomsRequest,
  SupportServiceDefinition,
} from "#proto/ecommerce/v1/support.ts";
import { randomRuns, randomTimeoutMs } from "../scenario-seed.ts";
import { sharedShop } from "../shared-shop.ts";

const { known, token, connect } = sharedShop;
const connection = await connect();
afterAll(() => connection.close());
const products = serviceCaller(ProductServiceDefinition, connection, { token });
const support = serviceCaller(SupportServiceDefinition, connection, { token });

const RUNS = 4;
const TIMEOUT_MS = 20_000;
const ROWS = 9;

interface Listing {
  readonly add: () => Promise<unknown>;
  readonly page: (
    pageSize: number,
    pageToken: string,
  ) => Promise<{ readonly ids: string[]; readonly next: string }>;
}

/** Of a category of its own. */
function productsOf(category: string): Listing {
  let made = 0;
  return {
    add: () => {
      const price = { currencyCode: "GBP", units: BigInt(1 + (made++ % 3)), nanos: 0 };
      const product = Product.fromPartial({ sku: uuidV7(), name: "a page", category, price });
      return products.createProduct(CreateProductRequest.fromPartial({ product }));
    },
    page: async (pageSize, pageToken) => {
      const order = ProductOrder.PRODUCT_ORDER_PRICE_ASC;
      const request = SearchProductsRequest.fromPartial({ category, order, pageSize, pageToken });
      const { products: found, nextPageToken } = await products.searchProducts(request);
      return { ids: found.map(({ productId }) => productId), next: nextPageToken };
    },
  };
}

function roomsOf(customerUserId: string): Listing {
  return {
    add: () =>
      support.createRoom(
        CreateRoomRequest.create({ customerUserId, subject: "a page", text: "a", requestId: uuidV7() }),
      ),
    page: async (pageSize, pageToken) => {
      const request = ListRoomsRequest.fromPartial({ customerUserId, pageSize, pageToken });
      const { rooms, nextPageToken } = await support.listRooms(request);
      return { ids: rooms.map(({ roomId }) => roomId), next: nextPageToken };
    },
  };
}

async function all(
  listing: Listing,
  sizes: () => number,
  between: () => Promise<unknown>,
): Promise<string[]> {
  const found: string[] = [];
  let token = "";
  do {
    const { ids, next } = await listing.page(sizes(), token);
    found.push(...ids);
    token = next;
    if (token !== "") await between();
  } while (token !== "");
  return found;
}

const [, , , customer = ""] = known.userId ?? [];

test.each([
  ["products", () => productsOf(`pages-${uuidV7()}`)],
  ["rooms", () => roomsOf(customer)],
] as const)("%s", { timeout: randomTimeoutMs(TIMEOUT_MS) }, async (_, make) => {
  const sizes = fc.array(fc.integer({ min: 1, max: ROWS }), { minLength: 1, maxLength: 5 });
  const additions = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(sizes, additions, async (pageSizes, adds) => {
      const listing = make();
      for (let i = 0; i < ROWS; i++) await listing.add();
      const before = await all(
        listing,
        () => 100,
        async () => {},
      );
      let at = 0;
      const paged = await all(
        listing,
        () => pageSizes[at % pageSizes.length] ?? 1,
        async () => (adds[at++ % adds.length] ? listing.add() : undefined),
      );
      expect(new Set(paged).size).toBe(paged.length);
      const there = new Set(before);
      expect(paged.filter((id) => there.has(id))).toEqual(before);
    }),
    randomRuns(RUNS),
  );
});
