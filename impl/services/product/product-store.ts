// The catalogue in PostgreSQL: everything that reads or writes its tables goes through here. Reads by key are single prepared
// statements. What a store method throws are errors of the service where its comment says so, and StorageErrors else.
import { type Kysely, type RawBuilder, sql, type Transaction } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { createRequestIds, type IdentifiedRequest } from "../shared/request-id.ts";
import { type BatchResult, type OnKnownSku, storeBatch } from "./import-batch.ts";
import type { NewProduct, Product } from "./product.ts";
import { filterConditions, type ProductConditions } from "./product-filter.ts";
import type { FacetKind, ProductSearch, SearchConditions } from "./product-search.ts";
import {
  PRODUCT_COLUMNS,
  type ProductRow,
  type ProductTables,
  productOf,
  productsSchema,
} from "./product-tables.ts";
import { createProductWriter, type ProductWriter } from "./product-writer.ts";
import { countMatches, type MatchCounts } from "./search-facets.ts";
import { findPage, type SearchPage } from "./search-page.ts";

export interface ProductStoreOptions {
  readonly clock: Clock;
  /** Told of every change; its tables are in the catalogue's schema. */
  readonly events: EventLog;
  /** How long request ids are remembered. Default 24 h, which is also the least. */
  readonly requestIdRetentionMs?: number;
}

export interface ProductStore {
  /** Deleted ones too. Undefined when there is none. */
  find(productId: string, signal: AbortSignal): Promise<Product | undefined>;
  /** In no order, deleted ones too; ids that are unknown are left out. */
  findAll(productIds: readonly string[], signal: AbortSignal): Promise<Product[]>;
  /** In no order, without deleted ones. */
  findAllBySku(skus: readonly string[], signal: AbortSignal): Promise<Product[]>;
  search(search: ProductSearch, signal: AbortSignal): Promise<SearchPage>;
  /** Up to `limit` in the order of their ids, from the one after `after`; without deleted ones. */
  listMatching(
    conditions: ProductConditions,
    after: string | undefined,
    limit: number,
    signal: AbortSignal,
  ): Promise<Product[]>;
  count(conditions: SearchConditions, kinds: readonly FacetKind[], signal: AbortSignal): Promise<MatchCounts>;
  /** Runs `work` in a transaction. It may run more than once, of which one is committed. */
  write<R>(signal: AbortSignal, work: (writer: ProductWriter) => Promise<R>): Promise<R>;
  /** The same, and only if the request is not a repeat: ALREADY_EXISTS when its id had another content. */
  writeOnce<R>(request: IdentifiedRequest<R>, work: (writer: ProductWriter) => Promise<R>): Promise<R>;
  /**
   * In a transaction of its own: an import holds no connection while it waits for its caller, and what one batch has stored stays when
   * a later one fails. No SKU twice.
   */
  storeBatch(
    products: readonly NewProduct[],
    onKnownSku: OnKnownSku,
    signal: AbortSignal,
  ): Promise<BatchResult>;
  /** Forgets the request ids that are older than the retention; how many. */
  purgeRequestIds(signal?: AbortSignal): Promise<number>;
}

export function createProductStore(
  database: Database<unknown>,
  { clock, events, requestIdRetentionMs }: ProductStoreOptions,
): ProductStore {
  const products = database.typed<ProductTables>();
  const { queries } = products;
  const requestIds = createRequestIds(products, {
    schema: productsSchema.schema,
    clock,
    ...(requestIdRetentionMs === undefined ? {} : { retentionMs: requestIdRetentionMs }),
  });
  const byId = prepare(products, sql`product_id = ${null}`);
  const byIds = prepare(products, sql`product_id = any(${null}::uuid[])`);
  const bySkus = prepare(products, sql`sku = any(${null}::text[]) and delete_time is null`);
  const now = (): Date => new Date(clock.now());
  const writing =
    <R>(work: (writer: ProductWriter) => Promise<R>) =>
    (transaction: Transaction<ProductTables>): Promise<R> =>
      work(createProductWriter(transaction, events, now()));
  const committed = async <R>(writing: Promise<R>): Promise<R> => {
    const result = await writing;
    events.committed();
    return result;
  };
  return {
    async find(productId, signal) {
      const [product] = await byId(productId, signal);
      return product;
    },
    findAll: byIds,
    findAllBySku: bySkus,
    search: (search, signal) => findPage(queries, search, signal),
    count: (conditions, kinds, signal) => countMatches(queries, conditions, kinds, signal),
    listMatching: (conditions, after, limit, signal) =>
      listMatching(queries, conditions, after, limit, signal),
    write: (signal, work) => committed(inTransaction(products, writing(work), { signal })),
    writeOnce: (request, work) => committed(requestIds.once(request, writing(work))),
    storeBatch: (batch, onKnownSku, signal) =>
      committed(
        inTransaction(products, (transaction) => storeBatch(transaction, batch, onKnownSku, events, now()), {
          signal,
        }),
      ),
    purgeRequestIds: requestIds.purge,
  };
}

/** A query with one parameter, built once: building it costs about as much as running it. */
function prepare({ queries }: Database<ProductTables>, condition: RawBuilder<unknown>) {
  const compiled = queries
    .selectFrom("products.products")
    .select(PRODUCT_COLUMNS)
    .where(condition.$castTo<boolean>())
    .compile();
  return async (parameter: unknown, signal: AbortSignal): Promise<Product[]> => {
    const query = { ...compiled, parameters: [parameter] };
    const { rows } = await queries.executeQuery<ProductRow>(query, { signal });
    return rows.map(productOf);
  };
}

async function listMatching(
  queries: Kysely<ProductTables>,
  conditions: ProductConditions,
  after: string | undefined,
  limit: number,
  signal: AbortSignal,
): Promise<Product[]> {
  const matching = queries
    .selectFrom("products.products")
    .select(PRODUCT_COLUMNS)
    .where(filterConditions(conditions));
  const rest = after === undefined ? matching : matching.where("product_id", ">", after);
  const rows = await rest.orderBy("product_id").limit(limit).execute({ signal });
  return rows.map(productOf);
}
