// Products for streams: what is asked for in one turn of the event loop is asked of ProductService in one call, and kept for a moment, since
// one order changes several times in a row and is told to many.
import { LRUCache } from "lru-cache";
import { Code } from "#impl/runtime/status.ts";
import { type Lookup, lookUp, type ProductReader } from "./product-parts.ts";

export interface ProductCache {
  /** One for each id. Never rejects for what a service does. */
  lookUp(ids: readonly string[]): Promise<ReadonlyMap<string, Lookup>>;
}

const KEPT_MS = 1_000;
const KEPT_PRODUCTS = 10_000;
const DEADLINE_MS = 1_000;

export function createProductCache(products: ProductReader): ProductCache {
  const kept = new LRUCache<string, Promise<Lookup>>({ max: KEPT_PRODUCTS, ttl: KEPT_MS });
  let asked: Map<string, PromiseWithResolvers<Lookup>> | undefined;

  const send = async (batch: ReadonlyMap<string, PromiseWithResolvers<Lookup>>): Promise<void> => {
    const found = await lookUp(products, [...batch.keys()], { deadlineMs: DEADLINE_MS });
    for (const [id, { resolve }] of batch) {
      const lookup = found.get(id) ?? NOT_FOUND;
      // What failed is asked for again.
      if ("error" in lookup) kept.delete(id);
      resolve(lookup);
    }
  };
  const ask = (id: string): Promise<Lookup> => {
    if (asked === undefined) {
      const batch = new Map<string, PromiseWithResolvers<Lookup>>();
      asked = batch;
      setImmediate(() => {
        asked = undefined;
        send(batch).catch((error: unknown) => {
          for (const [failed, { reject }] of batch) {
            kept.delete(failed);
            reject(error);
          }
        });
      });
    }
    const answer = Promise.withResolvers<Lookup>();
    asked.set(id, answer);
    kept.set(id, answer.promise);
    return answer.promise;
  };
  return {
    async lookUp(ids) {
      const found = ids.map(async (id) => [id, await (kept.get(id) ?? ask(id))] as const);
      return new Map(await Promise.all(found));
    },
  };
}

const NOT_FOUND: Lookup = {
  error: { code: Code.NOT_FOUND, message: "the product is not there", details: [] },
};
