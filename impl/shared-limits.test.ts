// Rate limits of two processes of the system that share a Redis.
import { afterAll, expect, test } from "vitest";
import { GetProductRequest } from "#proto/ecommerce/v1/product_service.ts";
import { CallError } from "./client/call-error.ts";
import { redisProcess, whyNoRedisServer } from "./middleware/testing/redis-process.ts";
import { newId } from "./runtime/ids.ts";
import { Code } from "./runtime/status.ts";
import { startTestSystem } from "./testing/running-system.ts";
import { type Shop, shopAt } from "./testing/shop.ts";

const BURST = 10;
const missing = whyNoRedisServer();

if (missing === undefined) await withRedis();
else test.skip(`limits in Redis: ${missing}`);

async function withRedis(): Promise<void> {
  const redis = await redisProcess();
  afterAll(() => redis.kill());
  await redis.start();
  // Nothing comes back while the tests run.
  const settings = {
    SERVICES: "product",
    REDIS_URL: redis.url,
    RATE_LIMIT_READ: `0.001/${BURST}`,
    REDIS_TIMEOUT_MS: "10000",
  };
  const replicas = [await startTestSystem(settings), await startTestSystem(settings)];
  const shops = await Promise.all(replicas.map(({ system, bearer }) => shopAt(system.grpc, bearer)));

  /** How many calls of a user each replica lets through. All replicas are asked in turn, for more than there is. */
  async function admitted(userId: string): Promise<number[]> {
    const clients = await Promise.all(shops.map(({ as }: Shop) => as(userId)));
    const counts = clients.map(() => 0);
    for (let n = 0; n < 2 * BURST; n++) {
      for (const [index, { products }] of clients.entries()) {
        if (await passes(products.getProduct(GetProductRequest.fromPartial({ productId: newId() })))) {
          counts[index] = (counts[index] ?? 0) + 1;
        }
      }
    }
    return counts;
  }

  const sharedBy = async (): Promise<string[]> =>
    Promise.all(
      replicas.map(async ({ system }) => {
        const scrape = await (await fetch(`http://${system.admin}/metrics`)).text();
        return /^rate_limit_shared (\d)$/m.exec(scrape)?.[1] ?? "";
      }),
    );

  test("a caller has one limit, whichever replica he calls", async () => {
    expect(await admitted(newId())).toEqual([BURST / 2, BURST / 2]);
  });

  test("without Redis each replica decides alone, and together again when it is back", async () => {
    const userId = newId();
    await redis.kill();
    expect(await admitted(userId)).toEqual([BURST, BURST]);
    expect(await sharedBy()).toEqual(["0", "0"]);
    await redis.start();
    await expect.poll(sharedBy, { timeout: 15_000 }).toEqual(["1", "1"]);
    expect(await admitted(userId)).toEqual([BURST / 2, BURST / 2]);
  });
}

/** Whether the limit lets a call through; that its product is not there is an answer. */
async function passes(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    if (error.code === Code.NOT_FOUND) return true;
    expect(error).toMatchObject({ code: Code.RESOURCE_EXHAUSTED, reason: "RATE_LIMITED" });
    return false;
  }
}
