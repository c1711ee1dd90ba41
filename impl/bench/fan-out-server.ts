// The server of the fan-out benchmark, in a process of its own: `node --expose-gc fan-out-server.ts <database url> <links> <stream>`.
// ProductService on a migrated database; `links` is "none" or "chain", and `stream` "updates" or "idle", which is an open stream that
// follows nothing: what the transport alone costs. Changes a product when its parent asks, and says what memory it has.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { CHAIN_ORDER } from "#impl/middleware/chain.ts";
import type { Call } from "#impl/runtime/call.ts";
import { sleep, systemClock } from "#impl/runtime/clock.ts";
import { newId, systemRandom } from "#impl/runtime/ids.ts";
import { implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import { ecommerceSchema, startTestServer } from "#impl/runtime/testing/test-server.ts";
import { Availability } from "#impl/services/product/product.ts";
import { createProductStore } from "#impl/services/product/product-store.ts";
import { productsSchema } from "#impl/services/product/product-tables.ts";
import { streamProductUpdates } from "#impl/services/product/product-updates.ts";
import { createPageTokens } from "#impl/services/shared/page-token.ts";
import { openDatabase } from "#impl/storage/database.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import { createEventLog } from "#impl/storage/events/create-event-log.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { eventTables } from "#impl/storage/events/event-tables.ts";
import { migrate } from "#impl/storage/migrations.ts";
import { silentLog } from "#impl/storage/storage-log.ts";
import { ProductServiceDefinition } from "#proto/ecommerce/v1/product_service.ts";
import { createBenchChain } from "./bench-chain.ts";

export type FanOutRequest = { readonly change: string } | "usage" | "memory";

export interface FanOutAnswer {
  /** Streams that have begun. */
  readonly streams: number;
  readonly heapBytes: number;
  /** Outside the heap: buffers and what C++ holds for JavaScript. */
  readonly externalBytes: number;
  readonly rssBytes: number;
  readonly cpuMicros: number;
  /** The longest time since the last answer for which nothing else could run. */
  readonly longestPauseMs: number;
  /** When the change that was asked for was committed; nanoseconds of the machine's monotonic clock. */
  readonly committedAt: string;
}

const [url = "", links, stream] = process.argv.slice(2);
const clock = systemClock;
const { signal } = new AbortController();
let streams = 0;
const pauses = monitorEventLoopDelay({ resolution: 1 });
pauses.enable();

const database = openDatabase<unknown>({
  url,
  sleep: (ms, stop) => sleep(clock, ms, stop),
  random: systemRandom,
  log: silentLog,
});
await migrate(database, productsSchema);
await migrate(database, eventTables(productsSchema.schema));
const log = createEventLog({ database, schema: productsSchema.schema, clock, log: silentLog });
const events: EventLog = {
  ...log,
  subscribe(options) {
    streams += 1;
    return log.subscribe(options);
  },
};
const store = createProductStore(database, { clock, events });

async function* idle(call: Call): AsyncGenerator<never> {
  streams += 1;
  await new Promise((_, reject) => call.signal.addEventListener("abort", () => reject(call.signal.reason)));
}

function service(): ServiceImplementation {
  const needs = { store, events, tokens: createPageTokens({ key: new Uint8Array(32), clock }) };
  return implement(ProductServiceDefinition, {
    streamProductUpdates: (request, call) =>
      stream === "idle" ? idle(call) : streamProductUpdates(request, needs, call),
  });
}

/** Adds the product, or changes it. */
async function change(productId: string): Promise<bigint> {
  await store.write(signal, async (writer) => {
    const content = {
      name: `Desk lamp ${newId()}`,
      description: "Bends where you want the light. ".repeat(8),
      category: "home/lighting",
      price: { minorUnits: 1_250n, currency: "GBP" },
      attributes: { colour: "white", material: "steel" },
      availability: Availability.AVAILABILITY_IN_STOCK,
    };
    const [known] = await store.findAll([productId], signal);
    if (known === undefined) await writer.insert({ productId, sku: productId, ...content });
    else await writer.replaceContent(await writer.lock(productId), content);
  });
  return process.hrtime.bigint();
}

function answer(committedAt: bigint): FanOutAnswer {
  const { heapUsed, external, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const longestPauseMs = pauses.max / 1e6;
  pauses.reset();
  return {
    longestPauseMs,
    streams,
    heapBytes: heapUsed,
    externalBytes: external,
    rssBytes: rss,
    cpuMicros: user + system,
    committedAt: String(committedAt),
  };
}

const schema = ecommerceSchema();
const server = await startTestServer({
  schema,
  services: [service()],
  links: links === "chain" ? (await createBenchChain(schema)).only(...CHAIN_ORDER) : [],
  translators: [storageToRpcError],
  record: false,
});
process.on("message", async (request: FanOutRequest) => {
  if (request === "memory") globalThis.gc?.();
  process.send?.(answer(typeof request === "string" ? 0n : await change(request.change)));
});
process.once("disconnect", () => process.exit());
process.send?.({ port: server.port });
