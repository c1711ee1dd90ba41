// Kills at random points under a running load of orders, then peace, then the books. The schedule is of the seed; what the kills hit is
// not, since the system runs in real time.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Books } from "#harness/check/books.ts";
import { effectsOnce } from "#harness/check/effects-once.ts";
import type { OrderAttempt } from "#harness/check/history.ts";
import { moneyAddsUp } from "#harness/check/money-adds-up.ts";
import { ordersSurvive, sagasEnd } from "#harness/check/orders-survive.ts";
import { stockAddsUp } from "#harness/check/stock-adds-up.ts";
import type { Verdict } from "#harness/check/verdict.ts";
import { type SeededRandom, seededRandom } from "#harness/random/seeded-random.ts";
import { awaitProcessing } from "#harness/shop/await-processing.ts";
import { OPERATOR_PERMISSIONS, type ShopCallers, shopCallers } from "#harness/shop/shop-callers.ts";
import { createTokenIssuer } from "#harness/sut/tokens.ts";
import { ListOrdersRequest } from "#proto/ecommerce/v1/order_service.ts";
import { type OrderLoad, startOrderLoad } from "./order-load.ts";
import { readBooks } from "./read-books.ts";
import { readProviderBooks } from "./read-provider-books.ts";
import { type Reconnecting, reconnecting } from "./reconnecting.ts";
import { freePort, type KillTarget, startShopUnderKill } from "./shop-under-kill.ts";
import { stockShelves } from "./stock-shelves.ts";

export interface KillRunOptions {
  /** What is killed, in turn. */
  readonly targets: readonly KillTarget[];
  readonly kills: number;
  readonly seed: number;
  /** Folder of the run, which the caller owns and removes. */
  readonly directory: string;
  /** Default 8. */
  readonly customers?: number;
  /** The longest time without a kill; the shortest is 100 ms. Default 1500. */
  readonly longestPeaceMs?: number;
  /** What customers pay with, at random. Default cards of every temper. */
  readonly cards?: readonly string[];
  /** Of the shop, beside what the run needs. */
  readonly env?: Readonly<Record<string, string>>;
  readonly onStep: (text: string, done: number) => void;
  readonly signal: AbortSignal;
}

export interface KillRun {
  readonly verdicts: readonly Verdict[];
  readonly attempts: { readonly ok: number; readonly fail: number; readonly unknown: number };
  readonly statuses: Readonly<Record<string, number>>;
  /** From each kill to the first answer after it. */
  readonly recoveryMs: readonly number[];
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
const LONGEST_PEACE_MS = 1_500;
const SHORTEST_PEACE_MS = 100;
/** How long the shop waits for its provider: answers get lost, and who waits for them buys nothing meanwhile. */
const PROVIDER_TIMEOUT_MS = 1_000;
const LOOK_AGAIN_MS = 250;
/**
 * After so long without any change of the books nothing will change any more, and what does not add up never will. A saga that failed
 * waits before it tries again, up to 30 s, and one whose process died waits for its lease, 10 s: twice the first covers both.
 */
const SETTLED_AFTER_MS = 60_000;

export async function runKills(options: KillRunOptions): Promise<KillRun> {
  const { directory, signal, onStep, kills } = options;
  const random = seededRandom(options.seed);
  const issuer = await createTokenIssuer(directory);
  const token = await issuer.issue({ subject: OPERATOR, permissions: OPERATOR_PERMISSIONS }, 24 * 3600);
  const port = await freePort();
  const connection = reconnecting({ host: "127.0.0.1", port });
  const callers = async (): Promise<ShopCallers> => shopCallers(await connection.get(signal), token, signal);
  const dataDir = join(directory, "data");
  const shop = await startShopUnderKill(port, {
    dataDir,
    env: {
      JWKS_FILE: issuer.jwksFile,
      LOG_LEVEL: "warn",
      PAYMENT_PROVIDER_TIMEOUT_MS: String(PROVIDER_TIMEOUT_MS),
      ...options.env,
    },
    answers: async () => (await callers()).orders.listOrders(oneOrder),
    signal,
  });
  try {
    onStep("filling the shelves", 0);
    const productIds = await stockShelves(await connection.get(signal), token, random.fork("stock"));
    const { recoveryMs, ...seen } = await underLoad(options, { connection, token, productIds, random, shop });
    onStep("waiting for every order to end", kills);
    await awaitProcessing(
      await callers(),
      (left) => onStep(`${left} orders are being processed`, kills),
      signal,
    );
    onStep("reading the books", kills);
    const read = async (): Promise<Books> =>
      readBooks(await callers(), productIds, await readProviderBooks(dataDir));
    return { ...(await judgementAtRest(seen, read, signal)), recoveryMs };
  } finally {
    await connection.close();
    await shop.stop();
  }
}

interface LoadParts {
  readonly connection: Reconnecting;
  readonly token: string;
  readonly productIds: readonly string[];
  readonly random: SeededRandom;
  readonly shop: { kill(target: KillTarget): Promise<number> };
}

async function underLoad(options: KillRunOptions, parts: LoadParts) {
  const { targets, kills, onStep, signal } = options;
  const { customers = 8, longestPeaceMs = LONGEST_PEACE_MS, cards = CARDS } = options;
  const { random, shop } = parts;
  const load = startOrderLoad({ ...parts, cards, customers, signal });
  const recoveryMs: number[] = [];
  const schedule = random.fork("kills");
  try {
    for (let kill = 1; kill <= kills; kill++) {
      const peaceMs = SHORTEST_PEACE_MS + schedule.next() * (longestPeaceMs - SHORTEST_PEACE_MS);
      await sleep(peaceMs, undefined, { signal });
      const target = targets[(kill - 1) % targets.length] ?? "shop";
      recoveryMs.push(await shop.kill(target));
      onStep(`${target} killed, ${load.history.length} orders sent`, kill);
    }
  } finally {
    onStep("letting customers finish", kills);
    await load.stop();
  }
  return { history: load.history, regrets: load.regrets, recoveryMs };
}

type Judgement = Omit<KillRun, "recoveryMs">;
type Seen = Pick<OrderLoad, "history" | "regrets">;

/** Refunds, and goods on their way back into stock, may still be under way: what does not add up is looked at again until it rests. */
async function judgementAtRest(
  seen: Seen,
  read: () => Promise<Books>,
  signal: AbortSignal,
): Promise<Judgement> {
  let last: Judgement | undefined;
  for (let moved = performance.now(); ; await sleep(LOOK_AGAIN_MS, undefined, { signal })) {
    const now = judgement(seen, await read());
    // What could not be checked will not be checked later either.
    if (now.verdicts.every(({ outcome }) => outcome !== "fail")) return now;
    if (!isDeepStrictEqual(now, last)) moved = performance.now();
    else if (performance.now() - moved > SETTLED_AFTER_MS) return now;
    last = now;
  }
}

function judgement({ history, regrets }: Seen, books: Books): Judgement {
  const count = (outcome: OrderAttempt["outcome"]): number =>
    history.filter((attempt) => attempt.outcome === outcome).length;
  const statuses: Record<string, number> = {};
  for (const { status } of books.orders) statuses[status] = (statuses[status] ?? 0) + 1;
  return {
    verdicts: [
      ordersSurvive(history, books),
      effectsOnce(regrets, books),
      sagasEnd(books),
      stockAddsUp(books),
      moneyAddsUp(books),
    ],
    attempts: { ok: count("ok"), fail: count("fail"), unknown: count("unknown") },
    statuses,
  };
}
