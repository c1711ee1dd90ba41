// Claim: a stream that is cut at any points, while what it tells of goes on changing, and resumed each time by the last token that was
// received, tells exactly what an uncut one does: no change missed, none told twice, none out of order.
import fc from "fast-check";
import { v7 as uuidV7 } from "uuid";
import { afterAll, expect, test } from "vitest";
import { serviceCaller } from "#harness/rpc/service-caller.ts";
import {
  InventoryServiceDefinition,
  StockEventKind,
  WatchStockRequest,
} from "#proto/ecommerce/v1/inventory.ts";
import { Product } from "#proto/ecommerce/v1/product.ts";
import {
  CreateProductRequest,
  ProductServiceDefinition,
  StreamProductUpdatesRequest,
  UpdateProductRequest,
} from "#proto/ecommerce/v1/product_service.ts";
import { randomRuns, randomTimeoutMs } from "../scenario-seed.ts";
import { sharedShop } from "../shared-shop.ts";

const { token, connect } = sharedShop;
const connection = await connect();
afterAll(() => connection.close());
const products = serviceCaller(ProductServiceDefinition, connection, { token });
const inventory = serviceCaller(InventoryServiceDefinition, connection, { token });

const RUNS = 5;
const CHANGES = 20;
const TIMEOUT_MS = 60_000;

interface Told {
  /** Which change it is. */
  readonly change: bigint;
  readonly resumeToken: string;
}

interface Feed {
  /** Makes change number `n`. */
  readonly change: (n: bigint) => Promise<unknown>;
  readonly open: (resumeToken: string) => AsyncIterable<Told>;
}

async function newProduct(units: bigint): Promise<string> {
  const price = { currencyCode: "GBP", units, nanos: 0 };
  const product = Product.fromPartial({ sku: uuidV7(), name: "a stream", price });
  const made = await products.createProduct(CreateProductRequest.fromPartial({ product }));
  return made.product?.productId ?? "";
}

/** Each change is a price. */
async function pricesOf(): Promise<Feed> {
  const productId = await newProduct(1_000n);
  return {
    change: (units) =>
      products.updateProduct(
        UpdateProductRequest.fromPartial({
          product: { productId, price: { currencyCode: "GBP", units } },
          updateMask: ["price"],
        }),
      ),
    async *open(resumeToken) {
      const request = { filter: { productIds: [productId] }, resumeToken };
      const stream = products.streamProductUpdates(StreamProductUpdatesRequest.fromPartial(request));
      for await (const { event, resumeToken: next } of stream) {
        if (event?.$case !== "update") continue;
        yield { change: event.value.product?.price?.units ?? 0n, resumeToken: next };
      }
    },
  };
}

/** Each change is one more unit received. */
async function stockOf(): Promise<Feed> {
  const productId = await newProduct(1n);
  return {
    change: () =>
      inventory.receiveStock({
        items: [{ productId, quantity: 1n }],
        reference: "",
        requestId: uuidV7(),
      }),
    async *open(resumeToken) {
      const kinds = [StockEventKind.STOCK_EVENT_KIND_RECEIVED];
      const request = { productIds: [productId], kinds, resumeToken };
      for await (const { event, resumeToken: next } of inventory.watchStock(
        WatchStockRequest.fromPartial(request),
      )) {
        if (event?.$case !== "update") continue;
        yield { change: event.value.stock?.received ?? 0n, resumeToken: next };
      }
    },
  };
}

/** Reads up to the change, cutting the stream after so many messages each time. */
async function read(feed: Feed, from: string, last: bigint, cuts: readonly number[]): Promise<bigint[]> {
  const told: bigint[] = [];
  let resumeToken = from;
  for (let piece = 0; told.at(-1) !== last; piece++) {
    let left = cuts[piece % cuts.length] ?? Number.POSITIVE_INFINITY;
    for await (const message of feed.open(resumeToken)) {
      told.push(message.change);
      resumeToken = message.resumeToken;
      left -= 1;
      if (left <= 0 || message.change === last) break;
    }
  }
  return told;
}

/** Makes changes until a stream that has begun tells one, whose token is where all readers begin. */
async function beginning(feed: Feed): Promise<{ readonly resumeToken: string; readonly made: bigint }> {
  const stream = feed.open("")[Symbol.asyncIterator]();
  const first = stream.next();
  let begun = false;
  void first.then(() => {
    begun = true;
  });
  let made = 0n;
  while (!begun) {
    made += 1n;
    await feed.change(made);
  }
  const { value } = await first;
  await stream.return?.();
  if (value === undefined) throw new Error("the stream ended before it told anything");
  return { resumeToken: value.resumeToken, made };
}

test.each([
  ["prices of a product", pricesOf],
  ["units of stock", stockOf],
] as const)("%s", { timeout: randomTimeoutMs(TIMEOUT_MS) }, async (_, make) => {
  const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(cuts, cuts, async (some, others) => {
      const feed = await make();
      const { resumeToken, made } = await beginning(feed);
      const last = made + BigInt(CHANGES);
      const change = async (): Promise<void> => {
        for (let n = made + 1n; n <= last; n++) await feed.change(n);
      };
      const [uncut, first, second] = await Promise.all([
        read(feed, resumeToken, last, []),
        read(feed, resumeToken, last, some),
        read(feed, resumeToken, last, others),
        change(),
      ]);
      expect(uncut.slice(-CHANGES)).toEqual(Array.from({ length: CHANGES }, (_, i) => made + 1n + BigInt(i)));
      expect(first).toEqual(uncut);
      expect(second).toEqual(uncut);
    }),
    randomRuns(RUNS),
  );
});
