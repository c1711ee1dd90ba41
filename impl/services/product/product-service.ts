// ProductService: the catalogue. Handlers read as the steps of the method; rules, SQL and files are elsewhere.
// StreamProductUpdates and WatchProducts are left out, and so answer UNIMPLEMENTED.
import type { Call } from "#impl/runtime/call.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import { implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import type { Database } from "#impl/storage/database.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
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
import { createRequestIds } from "../shared/request-id.ts";
import type { ImageFiles } from "./image-files.ts";
import { openUpload } from "./image-upload.ts";
import { storeBatch } from "./import-batch.ts";
import { createRowCheck } from "./import-row.ts";
import { PRODUCT_TYPE } from "./product.ts";
import { batchGet } from "./product-batch.ts";
import { addImage, findImage } from "./product-images.ts";
import { DEFAULT_IMPORT_LIMITS, type ImportLimits, importProducts } from "./product-import.ts";
import { contentOf, imageMessage, productMessage } from "./product-messages.ts";
import {
  createProductStore,
  insertProduct,
  lockLiveProduct,
  lockProduct,
  markDeleted,
  markLive,
  replaceContent,
} from "./product-store.ts";
import { type ProductTables, productsSchema } from "./product-tables.ts";
import { countMatches } from "./search-facets.ts";
import { findPage } from "./search-page.ts";
import { facetMessages, nextPageToken, searchOf } from "./search-request.ts";

export interface ProductServiceNeeds {
  /** Migrated to `productsSchema`. */
  readonly database: Database<ProductTables>;
  readonly schema: Schema;
  readonly pageTokens: PageTokens;
  readonly imageFiles: ImageFiles;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly importLimits?: Partial<ImportLimits>;
}

const UPDATABLE = ["name", "description", "category", "price", "attributes", "availability"];

export function createProductService(needs: ProductServiceNeeds): ServiceImplementation {
  const { database, clock, newId, pageTokens, imageFiles } = needs;
  const { queries } = database;
  const store = createProductStore(database);
  const masks = productMasks(needs.schema);
  const requestIds = createRequestIds(database, { schema: productsSchema.schema, clock });
  const checkRow = createRowCheck(needs.schema);
  const limits = { ...DEFAULT_IMPORT_LIMITS, ...needs.importLimits };
  const images = { database, store, files: imageFiles, clock, newId };
  const now = (): Date => new Date(clock.now());

  return implement(ProductServiceDefinition, {
    async getProduct({ productId, readMask }, call) {
      const view = masks.view(readMask);
      const product = await store.find(productId, call.signal);
      if (product === undefined) throw notFound(PRODUCT_TYPE, productId);
      return { product: view(productMessage(product)) };
    },

    async createProduct(request, call) {
      const message = required(request.product);
      const content = contentOf(message);
      return requestIds.once(
        identified(CreateProductRequest, CreateProductResponse, request, call),
        async (writes) => {
          const product = await insertProduct(
            writes,
            { productId: newId(), sku: message.sku, ...content },
            now(),
          );
          return { product: productMessage(product) };
        },
      );
    },

    async updateProduct(request, call) {
      const patch = required(request.product);
      return requestIds.once(
        identified(UpdateProductRequest, UpdateProductResponse, request, call),
        async (writes) => {
          const current = await lockLiveProduct(writes, patch.productId);
          requireEtag(patch.etag, current.version, PRODUCT_TYPE, patch.productId);
          const content = contentOf(masks.update(productMessage(current), patch, request.updateMask));
          const changed = await replaceContent(writes, current.productId, content, now());
          return { product: productMessage(changed) };
        },
      );
    },

    deleteProduct({ productId, etag }, { signal }) {
      return inTransaction(
        database,
        async (writes) => {
          const product = await lockProduct(writes, productId);
          // Also for a stale etag: it is how the first of two equal calls has left it.
          if (product.deleteTime !== undefined) return { product: productMessage(product) };
          requireEtag(etag, product.version, PRODUCT_TYPE, productId);
          return { product: productMessage(await markDeleted(writes, productId, now())) };
        },
        { signal },
      );
    },

    undeleteProduct({ productId }, { signal }) {
      return inTransaction(
        database,
        async (writes) => {
          const product = await lockProduct(writes, productId);
          if (product.deleteTime === undefined) return { product: productMessage(product) };
          return { product: productMessage(await markLive(writes, product, now())) };
        },
        { signal },
      );
    },

    async batchGetProducts(request, call) {
      const view = masks.view(request.readMask);
      return { results: await batchGet(request, store, (product) => view(productMessage(product)), call) };
    },

    async searchProducts(request, { signal }) {
      const search = searchOf(request, pageTokens);
      const { facets: kinds } = request;
      const [page, counts] = await Promise.all([
        findPage(queries, search, signal),
        kinds.length === 0 ? undefined : countMatches(queries, search.conditions, kinds, signal),
      ]);
      return {
        products: page.products.map(productMessage),
        nextPageToken: nextPageToken(search, page.next, pageTokens),
        totalSize: counts?.total,
        facets: facetMessages(kinds, counts?.facets ?? []),
      };
    },

    importProducts(messages, { signal }) {
      return importProducts(messages, {
        checkRow,
        storeBatch: (products, onKnownSku) => storeBatch(database, products, onKnownSku, now(), signal),
        newId,
        limits,
      });
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
