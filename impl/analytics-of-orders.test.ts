import { expect, test } from "vitest";
import {
  AnalyticsServiceDefinition,
  GetDashboardRequest,
  Metric,
  StreamMetricsRequest,
} from "#proto/ecommerce/v1/analytics.ts";
import { InventoryServiceDefinition } from "#proto/ecommerce/v1/inventory.ts";
import { NewOrder } from "#proto/ecommerce/v1/order.ts";
import { CreateOrderRequest, OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import { PaymentServiceDefinition } from "#proto/ecommerce/v1/payment.ts";
import { CreateProductRequest, ProductServiceDefinition } from "#proto/ecommerce/v1/product_service.ts";
import { createClient } from "./client/client.ts";
import { systemClock } from "./runtime/clock.ts";
import { newId } from "./runtime/ids.ts";
import { startTestSystem } from "./testing/running-system.ts";

// With the simulated provider.
const provider = { PAYMENT_PROVIDER_URL: "", PAYMENT_PROVIDER_API_KEY: "", PAYMENT_WEBHOOK_SECRET: "" };
const { system, channel, bearer } = await startTestSystem(provider);
const credentials = await bearer("service:test", [
  "products.write",
  "inventory.write",
  "orders.write",
  "orders.override_price",
  "analytics.read",
]);
const context = { channel, schema: system.schema, clock: systemClock, metadata: () => credentials };
const products = createClient(ProductServiceDefinition, context);
const inventory = createClient(InventoryServiceDefinition, context);
const payments = createClient(PaymentServiceDefinition, context);
const orders = createClient(OrderServiceDefinition, context);
const analytics = createClient(AnalyticsServiceDefinition, context);

const startTime = new Date(systemClock.now() - 60_000);

async function stockedProduct(): Promise<string> {
  const product = {
    sku: `SKU-${newId().slice(-8)}`,
    name: "A lamp",
    price: { currencyCode: "GBP", units: 3n, nanos: 500_000_000 },
  };
  const created = await products.createProduct(
    CreateProductRequest.fromPartial({ product, requestId: newId() }),
  );
  const productId = created.product?.productId ?? "";
  await inventory.receiveStock({ items: [{ productId, quantity: 100n }], reference: "", requestId: newId() });
  return productId;
}

async function place(productId: string): Promise<void> {
  const card = {
    cardNumber: "4242424242424242",
    expiryMonth: 12,
    expiryYear: 2_040,
    cvc: "123",
    holderName: "A",
  };
  const { paymentMethodToken } = await payments.createPaymentMethod({ card, requestId: "" });
  const order = NewOrder.fromPartial({
    guest: { email: "" },
    lines: [{ productId, quantity: 2n }],
    shippingAddress: { addressLines: ["1 High Street"], city: "Leeds", countryCode: "GB" },
    charges: { items: [] },
    paymentMethodToken,
  });
  await orders.createOrder(
    CreateOrderRequest.fromPartial({ order, requestId: newId(), wait: { seconds: 10n } }),
  );
}

/** What a dashboard shows now; each span is another, so that none is answered from the cache. */
async function totals(): Promise<Record<string, unknown>> {
  const endTime = new Date(systemClock.now() + 60_000);
  const { totals: series } = await analytics.getDashboard(
    GetDashboardRequest.fromPartial({ startTime, endTime }),
  );
  return Object.fromEntries(series.map(({ metric, value }) => [metric, value?.value]));
}

test("orders that are placed appear in streams and in the dashboard, with their money", {
  timeout: 60_000,
}, async () => {
  const productId = await stockedProduct();
  const request = StreamMetricsRequest.fromPartial({
    metrics: [Metric.METRIC_ORDERS, Metric.METRIC_CAPTURED],
    window: { size: { seconds: 3_600n } },
    includePartial: true,
  });
  const stream = analytics.streamMetrics(request, { signal: AbortSignal.timeout(50_000) });
  for (let n = 0; n < 3; n++) await place(productId);
  const money = { currencyCode: "GBP", units: 21n, nanos: 0 };
  await expect.poll(totals, { timeout: 30_000 }).toMatchObject({
    [Metric.METRIC_ORDERS]: 3n,
    [Metric.METRIC_UNITS]: 6n,
    [Metric.METRIC_REVENUE]: money,
    [Metric.METRIC_CAPTURED]: money,
  });
  for await (const { event } of stream) {
    if (event?.$case !== "window") continue;
    const values = event.value.series.map(({ value }) => value?.value);
    if (JSON.stringify(values, bigints) === JSON.stringify([3n, money], bigints)) break;
  }
});

function bigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
