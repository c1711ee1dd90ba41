// ProductService: the catalogue. Handlers read as the steps of the method; rules, SQL and files are elsewhere.
import type { Call } from "#impl/runtime/call.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import { implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import type { Product as ProductMessage } from "#proto/ecommerce/v1/product.ts";
import {
  CreateProductRequest,
  CreateProductResponse,
  ProductServiceDefinition,
  UpdateProductRequest,
  UpdateProductResponse,
} from "#proto/ecommerce/v1/product_service.ts";
import { requireEtag } from "../shared/etag.ts";
import { type FieldMasks, fieldMasks } from "../shared/field-mask.ts";
import type { PageTokens } from "../shared/page-token.ts";
import type { ImageFiles } from "./image-files.ts";
import { openUpload } from "./image-upload.ts";
import type { OnKnownSku } from "./import-batch.ts";
import { createRowCheck } from "./import-row.ts";
import { type NewProduct, PRODUCT_TYPE } from "./product.ts";
import { batchGet } from "./product-batch.ts";
import { addImage, findImage } from "./product-images.ts";
import { DEFAULT_IMPORT_LIMITS, type ImportLimits, importProducts } from "./product-import.ts";
import { contentOf, imageMessage, productMessage } from "./product-messages.ts";
import type { ProductStore } from "./product-store.ts";
import { streamProductUpdates } from "./product-updates.ts";
import { facetMessages, nextPageToken, searchOf } from "./search-request.ts";
import { watchProducts } from "./watch-products.ts";

export interface ProductServiceOptions {
  readonly store: ProductStore;
  /** The log that the store writes. */
  readonly events: EventLog;
  readonly schema: Schema;
  readonly newId: NewId;
  /** For page and resume tokens. */
  readonly tokens: PageTokens;
  readonly imageFiles: ImageFiles;
  readonly importLimits?: Partial<ImportLimits>;
}

const UPDATABLE = ["name", "description", "category", "price", "attributes", "availability"];

export function createProductService(options: ProductServiceOptions): ServiceImplementation {
  const { store, events, newId, tokens, imageFiles } = options;
  const masks = productMasks(options.schema);
  const checkRow = createRowCheck(options.schema);
  const limits = { ...DEFAULT_IMPORT_LIMITS, ...options.importLimits };
  const images = { store, files: imageFiles, newId };
  const following = { store, events, tokens };

  return implement(ProductServiceDefinition, {
    async getProduct({ productId, readMask }, { signal }) {
      const view = masks.view(readMask);
      const product = await store.find(productId, signal);
      if (product === undefined) throw notFound(PRODUCT_TYPE, productId);
      return { product: view(productMessage(product)) };
    },

    async createProduct(request, call) {
      const message = required(request.product);
      const content = contentOf(message);
      const once = identified(CreateProductRequest, CreateProductResponse, request, call);
      return store.writeOnce(once, async (writer) => {
        const product = await writer.insert({ productId: newId(), sku: message.sku, ...content });
        return { product: productMessage(product) };
      });
    },

    async updateProduct(request, call) {
      const patch = required(request.product);
      const once = identified(UpdateProductRequest, UpdateProductResponse, request, call);
      return store.writeOnce(once, async (writer) => {
        const current = await writer.lockLive(patch.productId);
        requireEtag(patch.etag, current.version, PRODUCT_TYPE, patch.productId);
        const content = contentOf(masks.update(productMessage(current), patch, request.updateMask));
        return { product: productMessage(await writer.replaceContent(current, content)) };
      });
    },

    deleteProduct({ productId, etag }, { signal }) {
      return store.write(signal, async (writer) => {
        const product = await writer.lock(productId);
        // Whatever the etag: a repeat of the call that deleted it has the one from before.
        if (product.deleteTime !== undefined) return { product: productMessage(product) };
        requireEtag(etag, product.version, PRODUCT_TYPE, productId);
        return { product: productMessage(await writer.delete(product)) };
      });
    },

    undeleteProduct({ productId }, { signal }) {
      return store.write(signal, async (writer) => {
        const product = await writer.lock(productId);
        if (product.deleteTime === undefined) return { product: productMessage(product) };
        return { product: productMessage(await writer.undelete(product)) };
      });
    },

    async batchGetProducts(request, call) {
      const view = masks.view(request.readMask);
      return { results: await batchGet(request, store, (product) => view(productMessage(product)), call) };
    },

    async searchProducts(request, { signal }) {
      const search = searchOf(request, tokens);
      const { facets: kinds } = request;
      const [page, counts] = await Promise.all([
        store.search(search, signal),
        kinds.length === 0 ? undefined : store.count(search.conditions, kinds, signal),
      ]);
      return {
        products: page.products.map(productMessage),
        nextPageToken: nextPageToken(search, page.next, tokens),
        totalSize: counts?.total,
        facets: facetMessages(kinds, counts?.facets ?? []),
      };
    },

    streamProductUpdates: (request, call) => streamProductUpdates(request, following, call),

    watchProducts: (requests, call) => watchProducts(requests, following, call),

    importProducts(messages, { signal }) {
      const storeBatch = (products: readonly NewProduct[], onKnownSku: OnKnownSku) =>
        store.storeBatch(products, onKnownSku, signal);
      return importProducts(messages, { checkRow, storeBatch, newId, limits });
    },

    async uploadProductImage(messages, { signal }) {
      return { image: imageMessage(await addImage(await openUpload(messages), images, signal)) };
    },

    async *downloadProductImage({ productId, imageId }, { signal }) {
      const image = await findImage(store, productId, imageId, signal);
      let first = true;
      for await (const chunk of imageFiles.read(image.sha256)) {
        yield { image: first ? imageMessage(image) : undefined, chunk };
        first = false;
      }
    },
  });
}

function productMasks({ registry }: Schema): FieldMasks<ProductMessage> {
  const desc = registry.getMessage(PRODUCT_TYPE);
  if (desc === undefined) throw new Error(`the schema has no ${PRODUCT_TYPE}`);
  return fieldMasks<ProductMessage>(desc, UPDATABLE);
}

/** What the rules of the schema require, which the types of its messages do not say. */
function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a required field is absent: the request was not validated");
  return value;
}

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

function identified<Q extends { requestId: string }, R>(
  requestType: Codec<Q>,
  response: Codec<R>,
  request: Q,
  call: Call,
) {
  const content = requestType.encode({ ...request, requestId: "" }).finish();
  return { call, requestId: request.requestId, content, response };
}
