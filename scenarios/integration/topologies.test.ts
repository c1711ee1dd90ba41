// Claim: the shop is the same in one process and as a process for each service behind a gateway, with replicas of some and their limits in
// Redis: through the one address orders are taken, followed to their end and paid or refused, and stock and money add up.
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { v7 as uuidV7 } from "uuid";
import { expect, inject, onTestFinished, test } from "vitest";
import { readBooks } from "#harness/chaos/read-books.ts";
import { readProviderBooks } from "#harness/chaos/read-provider-books.ts";
import { stockShelves } from "#harness/chaos/stock-shelves.ts";
import type { OrderAttempt } from "#harness/check/history.ts";
import { moneyAddsUp } from "#harness/check/money-adds-up.ts";
import { ordersSurvive, sagasEnd } from "#harness/check/orders-survive.ts";
import { stockAddsUp } from "#harness/check/stock-adds-up.ts";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { awaitProcessing } from "#harness/shop/await-processing.ts";
import { OPERATOR_PERMISSIONS, type ShopCallers, shopCallers } from "#harness/shop/shop-callers.ts";
import { untilServing } from "#harness/sut/health.ts";
import { startSystem } from "#harness/sut/start-system.ts";
import { createTokenIssuer } from "#harness/sut/tokens.ts";
import { NewOrder, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import { TrackOrderRequest } from "#proto/ecommerce/v1/order_service.ts";
import { connect } from "#wire/client.ts";
import { redisUrl, scenarioDatabase } from "../scenario-database.ts";
import { seed } from "../scenario-seed.ts";

const TIMEOUT_MS = 120_000;
const OPERATOR = "00000000-0000-7000-8000-000000000001";

interface Topology {
  readonly name: string;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
}

const TOPOLOGIES: readonly Topology[] = [
  { name: "one process", script: "impl/main.ts", env: {} },
  {
    name: "a process for each service, two of orders and of products",
    script: "impl/up.ts",
    env: { REPLICAS: "order=2,product=2", ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }) },
  },
];

/** Good, declined, and good but declined when the money is taken. */
const CARDS = ["4242424242424242", "4000000000009995", "4242424242424242", "4000000000000341"];

async function buy({ orders, payments }: ShopCallers, cardNumber: string, productId: string) {
  const { paymentMethodToken } = await payments.createPaymentMethod({
    card: { cardNumber, expiryMonth: 12, expiryYear: 2099, cvc: "123", holderName: "A Customer" },
    requestId: "",
  });
  const requestId = uuidV7();
  const order = NewOrder.create({
    guest: { email: "", fullName: "" },
    lines: [{ productId, quantity: 2n, unitPrice: undefined }],
    paymentMethodToken,
    charges: { items: [] },
  });
  const { order: made } = await orders.createOrder({ order, requestId, wait: undefined });
  const attempt: OrderAttempt = {
    requestId,
    outcome: "ok",
    orderId: made?.orderId,
    units: new Map([[productId, 2n]]),
  };
  return attempt;
}

const AT_REST: readonly OrderStatus[] = [
  OrderStatus.ORDER_STATUS_PROCESSING,
  OrderStatus.ORDER_STATUS_PAYMENT_FAILED,
  OrderStatus.ORDER_STATUS_CANCELLED,
];

/** The states that its stream tells, from the present one to the one it rests in. */
async function followed({ orders }: ShopCallers, orderId = ""): Promise<OrderStatus[]> {
  const told: OrderStatus[] = [];
  for await (const { event } of orders.trackOrder(TrackOrderRequest.create({ orderId }))) {
    if (event?.$case !== "update") continue;
    const status = event.value.order?.status ?? OrderStatus.ORDER_STATUS_UNSPECIFIED;
    told.push(status);
    if (AT_REST.includes(status)) return told;
  }
  throw new Error(`the stream of order ${orderId} ended before the order`);
}

test.each(TOPOLOGIES)("$name", { timeout: TIMEOUT_MS }, async ({ name, script, env }) => {
  const folder = await mkdtemp(join(inject("scratch"), "topology-"));
  const issuer = await createTokenIssuer(folder);
  const token = await issuer.issue({ subject: OPERATOR, permissions: OPERATOR_PERMISSIONS });
  const dataDir = join(folder, "data");
  const system = await startSystem({
    name,
    script,
    env: {
      DATABASE_URL: await scenarioDatabase(),
      DATABASE_CONNECTIONS: "4",
      DATA_DIR: dataDir,
      JWKS_FILE: issuer.jwksFile,
      LOG_LEVEL: "error",
      ...env,
    },
    serving: untilServing,
    startTimeoutMs: TIMEOUT_MS,
  });
  onTestFinished(async () => {
    await system.stop();
  });
  const connection = await connect(system.grpc);
  try {
    const productIds = await stockShelves(connection, token, seededRandom(seed));
    const { signal } = new AbortController();
    const callers = shopCallers(connection, token, signal);
    const history = await Promise.all(
      CARDS.map((card, at) => buy(callers, card, productIds.at(-1 - at) ?? "")),
    );
    const streams = await Promise.all(history.map(({ orderId }) => followed(callers, orderId)));
    expect(streams.map((told) => told.at(-1)).sort()).toEqual(
      [
        OrderStatus.ORDER_STATUS_PROCESSING,
        OrderStatus.ORDER_STATUS_PROCESSING,
        OrderStatus.ORDER_STATUS_PAYMENT_FAILED,
        OrderStatus.ORDER_STATUS_PAYMENT_FAILED,
      ].sort(),
    );
    await awaitProcessing(callers, () => {}, signal);
    const books = await readBooks(callers, productIds, await readProviderBooks(dataDir));
    const verdicts = [ordersSurvive(history, books), sagasEnd(books), stockAddsUp(books), moneyAddsUp(books)];
    expect(verdicts.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
  } finally {
    await connection.close();
  }
});
