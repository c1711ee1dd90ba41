// Clerks who all work at the same few stock counters while the system fails: they receive, correct, reserve and read. What they saw, and
// when, is a history that can be checked for one order of all of it.

import { setTimeout as sleep } from "node:timers/promises";
import { v7 as uuidV7 } from "uuid";
import type { StockChange, StockOperation } from "#harness/check/stock-counter.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { ShopCallers } from "#harness/shop/shop-callers.ts";
import { AdjustmentReason } from "#proto/ecommerce/v1/inventory.ts";
import { type Asking, untilKnown } from "./known-outcome.ts";

export interface StockLoadOptions extends Omit<Asking, "patienceMs"> {
  /** Whose stock nobody else touches, and which has none yet. */
  readonly productIds: readonly string[];
  readonly clerks: number;
  readonly random: SeededRandom;
}

export interface StockLoad {
  readonly operations: readonly StockOperation[];
  /** Lets every clerk finish, and reads each counter a last time. Rejects as the load of orders does. */
  stop(): Promise<void>;
}

const LONGEST_THINKING_MS = 200;
const MOST_UNITS = 5;
/** Clerks do not wait long: a change that is in doubt is what makes a history worth checking. */
const PATIENCE_MS = 1_500;
/** The last reading waits for the system to come back. */
const LAST_PATIENCE_MS = 60_000;
const READ_SHARE = 0.3;
const RESERVE_SHARE = 0.6;
const RECEIVE_SHARE = 0.85;

export function startStockLoad(options: StockLoadOptions): StockLoad {
  const operations: StockOperation[] = [];
  const stopping = new AbortController();
  const clerks = Promise.all(
    Array.from({ length: options.clerks }, (_, i) =>
      clerk(options, options.random.fork(`clerk ${i}`), operations, stopping.signal),
    ),
  );
  // Whoever stops the load is told; until then nobody asks.
  clerks.catch(() => {});
  return {
    operations,
    async stop() {
      stopping.abort();
      await clerks;
      for (const key of options.productIds) {
        const read: StockChange = { what: "read", units: 0n };
        operations.push(...(await perform({ ...options, patienceMs: LAST_PATIENCE_MS }, key, read)));
      }
    },
  };
}

async function clerk(
  options: StockLoadOptions,
  random: SeededRandom,
  operations: StockOperation[],
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    const key = options.productIds[random.below(options.productIds.length)] ?? "";
    operations.push(...(await perform({ ...options, patienceMs: PATIENCE_MS }, key, changeOf(random))));
    await sleep(random.next() * LONGEST_THINKING_MS, undefined, { signal: options.signal });
  }
}

function changeOf(random: SeededRandom): StockChange {
  const mood = random.next();
  const units = BigInt(1 + random.below(MOST_UNITS));
  if (mood < READ_SHARE) return { what: "read", units: 0n };
  if (mood < RESERVE_SHARE) return { what: "reserve", units: -units };
  if (mood < RECEIVE_SHARE) return { what: "receive", units };
  return { what: "adjust", units: -units };
}

/** None when nothing was done and nothing was said about the stock: it was never sent, or refused for another reason. */
async function perform(asking: Asking, key: string, input: StockChange): Promise<StockOperation[]> {
  const ids = { requestId: uuidV7(), orderId: uuidV7() };
  const calledAt = performance.now();
  const known = await untilKnown(asking, (callers) => send(callers, key, input, ids));
  const operation = { key, input, outcome: known.outcome, calledAt, returnedAt: performance.now() };
  if (known.outcome === "fail") return known.failure?.reason === "INSUFFICIENT_STOCK" ? [operation] : [];
  const output = known.outcome === "ok" ? known.answer : undefined;
  return [output === undefined ? operation : { ...operation, output }];
}

interface Ids {
  readonly requestId: string;
  readonly orderId: string;
}

/** What is available afterwards, where the answer tells it. */
async function send(
  { inventory }: ShopCallers,
  productId: string,
  { what, units }: StockChange,
  { requestId, orderId }: Ids,
): Promise<bigint | undefined> {
  switch (what) {
    case "read":
      return (await inventory.getStock({ productId })).stock?.available;
    case "receive": {
      const items = [{ productId, quantity: units }];
      const { stocks } = await inventory.receiveStock({ items, reference: "", requestId });
      return stocks[0]?.available;
    }
    case "adjust": {
      const reason = AdjustmentReason.ADJUSTMENT_REASON_COUNT;
      const correction = { productId, delta: units, reason, note: "", etag: "", requestId };
      return (await inventory.adjustStock(correction)).stock?.available;
    }
    case "reserve": {
      const items = [{ productId, quantity: -units }];
      await inventory.reserveStock({ orderId, items, ttl: RESERVED_FOR, requestId });
      return undefined;
    }
  }
}

/** Longer than any run, so that no promise runs out and changes a counter by itself. */
const RESERVED_FOR = { seconds: 86_400n, nanos: 0 };
