// A stream of product updates as a test reads it.
import { present } from "#impl/client/testing/answers.ts";
import type { Call } from "#impl/runtime/call.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import {
  type ProductFilter,
  type ProductUpdate,
  ProductUpdateKind,
  StreamProductUpdatesRequest,
  type StreamProductUpdatesResponse,
} from "#proto/ecommerce/v1/product_service.ts";
import type { ProductFixture } from "./product-fixture.ts";

export interface UpdateStream extends AsyncDisposable {
  readonly call: Call;
  next(): Promise<StreamProductUpdatesResponse>;
  updates(count: number): Promise<ProductUpdate[]>;
}

/** Resolves when it has begun: what is written now is part of it. */
export async function followUpdates(
  { client, calls }: ProductFixture,
  request: Partial<StreamProductUpdatesRequest> = {},
): Promise<UpdateStream> {
  const place = calls.length;
  const abort = new AbortController();
  const responses = client.streamProductUpdates(StreamProductUpdatesRequest.fromPartial(request), {
    signal: abort.signal,
  });
  const iterator = responses[Symbol.asyncIterator]();
  await until(() => calls[place]?.resumeToken !== undefined || calls[place]?.finished === true);
  const call = present(calls[place]);
  const next = async (): Promise<StreamProductUpdatesResponse> => {
    const { value, done } = await iterator.next();
    if (done === true) throw new Error("the stream ended");
    return value;
  };
  return {
    call,
    next,
    async updates(count) {
      const updates: ProductUpdate[] = [];
      while (updates.length < count) {
        const { event } = await next();
        if (event?.$case === "update") updates.push(event.value);
      }
      return updates;
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await until(() => call.finished);
    },
  };
}

export function filtered(filter: Partial<ProductFilter>): { filter: ProductFilter } {
  return { filter: { productIds: [], category: "", priceRange: undefined, ...filter } };
}

/** "UPDATED", and what it is about. */
export function told({ kind, product }: ProductUpdate): string {
  const [name = String(kind)] = Object.entries(ProductUpdateKind).find(([, value]) => value === kind) ?? [];
  return `${name.replace("PRODUCT_UPDATE_KIND_", "")} ${product?.name}`;
}
