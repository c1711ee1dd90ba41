// A shop under a load of customers, clerks and readers while something disturbs it; then peace, then the books. What it is disturbed by is
// its caller's: kills, or a plan of faults. Everything that was started is stopped, however it ends.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Books } from "#harness/check/books.ts";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { awaitProcessing } from "#harness/shop/await-processing.ts";
import { OPERATOR_PERMISSIONS, type ShopCallers, shopCallers } from "#harness/shop/shop-callers.ts";
import { freePort } from "#harness/sut/free-port.ts";
import type { Address } from "#harness/sut/start-system.ts";
import { createTokenIssuer } from "#harness/sut/tokens.ts";
import { ListOrdersRequest } from "#proto/ecommerce/v1/order_service.ts";
import { type ChaosLoad, startChaosLoad } from "./chaos-load.ts";
import { type Judgement, judgementAtRest } from "./judgement-at-rest.ts";
import { readBooks } from "./read-books.ts";
import { readProviderBooks } from "./read-provider-books.ts";
import { reconnecting } from "./reconnecting.ts";
import { type ShopUnderKill, startShopUnderKill } from "./shop-under-kill.ts";
import { stockShelves } from "./stock-shelves.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** Folder of the run, which the caller owns and removes. */
  readonly directory: string;
  /** Checkout whose shop is run; default: this one. */
  readonly tree?: string | undefined;
  /** Default 8. */
  readonly customers?: number;
  /** What customers pay with, at random. Default cards of every temper. */
  readonly cards?: readonly string[];
  /** Of the shop, beside what the run needs. */
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[];
  /** The load goes on after the last disturbance until so many orders, and so many uses of the stock counters, have ended. Default 0. */
  readonly leastOperations?: number;
  /** Default 60 s: see judgement-at-rest.ts. */
  readonly settledAfterMs?: number;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

/** What disturbs a run. */
export interface Disturbance<T> {
  /** What customers call instead of the shop, such as a link to it. Default: the shop itself. */
  readonly front?: (shop: Address) => Promise<Front>;
  /** Resolves when the last disturbance is over. */
  disturb(parts: DisturbedParts): Promise<T>;
}

export interface Front {
  readonly address: Address;
  stop(): Promise<void>;
}

export interface DisturbedParts {
  readonly shop: ShopUnderKill;
  /** Where customers call. */
  readonly address: Address;
  /** Asks something that needs the database, over a connection to there; rejects without an answer. */
  ask(connection: ReturnType<typeof reconnecting>, signal: AbortSignal): Promise<unknown>;
  /** How many orders have been sent. */
  orders(): number;
}

export interface ChaosRun<T> extends Judgement {
  /** How often the streams were cut and went on. */
  readonly resumed: number;
  readonly disturbed: T;
}

const oneOrder = ListOrdersRequest.create({ pageSize: 1 });
/** Cards of every temper: good ones, declined ones, and ones of which the provider loses, delays or fails an answer (its table of test cards). */
const CARDS = [
  ...Array.from({ length: 8 }, () => "4242424242424242"),
  "4000000000000002",
  "4000000000009995",
  "4000001100000009",
  "4000001300000007",
  "4000002100000007",
  "4000002500000003",
  "4000003100000005",
];
const OPERATOR = "00000000-0000-7000-8000-000000000001";
const CUSTOMERS = 8;
/** How long the shop waits for its provider: answers get lost, and who waits for them buys nothing meanwhile. */
const PROVIDER_TIMEOUT_MS = 1_000;
/** A shop that cannot be reached for so long is gone, and there are no books to read: the run rejects. */
const COME_BACK_MS = 60_000;
/** From the last disturbance to the verdict, at most: a shop that goes on changing without an end has not come to rest. */
const REST_MS = 5 * 60_000;
/** Of one question whether the shop answers. */
const ASK_TIMEOUT_MS = 1_000;
const LOOK_AGAIN_MS = 50;

/** Of the shop of a run in a directory. */
export function dataDirOf(directory: string): string {
  return join(directory, "data");
}

export async function runChaos<T>(options: ChaosOptions, disturbance: Disturbance<T>): Promise<ChaosRun<T>> {
  const { directory, signal, onStep, customers = CUSTOMERS, cards = CARDS, settledAfterMs } = options;
  await using cleanup = new AsyncDisposableStack();
  const random = seededRandom(options.seed);
  const issuer = await createTokenIssuer(directory);
  const permissions = [...OPERATOR_PERMISSIONS, "inventory.reserve"];
  const token = await issuer.issue({ subject: OPERATOR, permissions }, 24 * 3600);
  const port = await freePort();
  const behind = cleanup.adopt(reconnecting({ host: "127.0.0.1", port }), (open) => open.close());
  const callers = async (): Promise<ShopCallers> => {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(COME_BACK_MS)]);
    return shopCallers(await behind.get(patience), token, signal);
  };
  const dataDir = dataDirOf(directory);
  const shop = await startShopUnderKill(port, {
    dataDir,
    tree: options.tree,
    env: {
      JWKS_FILE: issuer.jwksFile,
      LOG_LEVEL: "warn",
      PAYMENT_PROVIDER_TIMEOUT_MS: String(PROVIDER_TIMEOUT_MS),
      ...options.env,
    },
    nodeFlags: options.nodeFlags ?? [],
    answers: async () => (await callers()).orders.listOrders(oneOrder),
    signal,
  });
  cleanup.defer(() => shop.stop());
  onStep("filling the shelves");
  const productIds = await stockShelves(await behind.get(signal), token, random.fork("stock"));
  const front = await disturbance.front?.(shop.address);
  cleanup.defer(async () => front?.stop());
  const address = front?.address ?? shop.address;
  const load = await startChaosLoad({
    ...{ address, behind, token, productIds, random, customers, cards, signal },
  });
  cleanup.defer(() => load.close());
  const disturbed = await disturbance.disturb({
    shop,
    address,
    async ask(connection, patience) {
      const limit = AbortSignal.any([patience, signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]);
      const current = await connection.get(limit);
      try {
        return await shopCallers(current, token, limit).orders.listOrders(oneOrder);
      } catch (error) {
        if (limit.aborted) connection.discard(current);
        throw error;
      }
    },
    orders: () => load.seen().orders.length,
  });
  await untilUsed(load, options);
  const rest = async (): Promise<Judgement> => {
    onStep("letting customers finish");
    await load.stop();
    onStep("waiting for every order to end");
    await awaitProcessing(await callers(), (left) => onStep(`${left} orders are being processed`), signal);
    onStep("reading the books");
    const read = async (): Promise<Books> =>
      readBooks(await callers(), productIds, await readProviderBooks(dataDir));
    return judgementAtRest(load.seen, read, signal, settledAfterMs);
  };
  const judgement = await within(REST_MS, "the shop did not come to rest", rest());
  const resumed = load.seen().streams.reduce((sum, stream) => sum + stream.resumed, 0);
  return { ...judgement, resumed, disturbed };
}

/** Rejects with an Error when the work takes longer; what it left under way ends with the run. */
async function within<T>(ms: number, otherwise: string, work: Promise<T>): Promise<T> {
  const late = new AbortController();
  const timer = sleep(ms, undefined, { signal: late.signal, ref: false }).then(() => {
    throw new Error(`${otherwise} within ${ms / 60_000} minutes`);
  });
  try {
    return await Promise.race([work, timer]);
  } finally {
    late.abort();
    timer.catch(() => {});
  }
}

/** So that a machine that is slow checks as much as one that is fast. */
async function untilUsed(
  load: ChaosLoad,
  { leastOperations = 0, onStep, signal }: ChaosOptions,
): Promise<void> {
  const least = (): number => Math.min(load.seen().orders.length, load.seen().stock.length);
  if (least() < leastOperations) onStep(`waiting for ${leastOperations} orders and uses of stock`);
  while (least() < leastOperations) await sleep(LOOK_AGAIN_MS, undefined, { signal });
}
