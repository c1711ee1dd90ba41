// GatewayService before services in processes of their own, over real sockets. One system for all tests, which go from whole to broken.

import { credentials, type Metadata } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { Metric } from "#proto/ecommerce/v1/analytics.ts";
import {
  type LiveUpdatesResponse,
  OrderPart,
  StreamOrderUpdatesRequest,
  type StreamOrderUpdatesResponse,
} from "#proto/ecommerce/v1/gateway.ts";
import { NotificationCategory, NotificationChannel } from "#proto/ecommerce/v1/notification.ts";
import { SendNotificationRequest } from "#proto/ecommerce/v1/notification_service.ts";
import type { Order } from "#proto/ecommerce/v1/order.ts";
import {
  CancelOrderRequest,
  OrderServiceDefinition,
  TrackOrderRequest,
} from "#proto/ecommerce/v1/order_service.ts";
import type { WatchProductsRequest } from "#proto/ecommerce/v1/product_service.ts";
import { CreateUserRequest } from "#proto/ecommerce/v1/user.ts";
import { permissionsOf } from "./auth/roles.ts";
import { awaitServing } from "./await-serving.ts";
import { CallError } from "./client/call-error.ts";
import { createEcommerceClient, type EcommerceServices } from "./client/ecommerce-client.ts";
import { readConfig } from "./config.ts";
import { openPageTokenKey } from "./open-keys.ts";
import { startTestProvider } from "./payment-provider/testing/provider-fixture.ts";
import { systemClock } from "./runtime/clock.ts";
import { newId } from "./runtime/ids.ts";
import { Code } from "./runtime/status.ts";
import { createPageTokens } from "./services/shared/page-token.ts";
import { type LiveStream, type LiveTopic, liveStream } from "./testing/live-stream.ts";
import { shopAt } from "./testing/shop.ts";
import { splitSystem } from "./testing/split-system.ts";
import { telling } from "./testing/telling.ts";

const provider = (await startTestProvider()).process();
const { start, bearer, dataDir } = await splitSystem({
  PAYMENT_PROVIDER_URL: provider.url,
  PAYMENT_PROVIDER_API_KEY: provider.apiKey,
  PAYMENT_WEBHOOK_SECRET: provider.webhookSecret,
});
const gateway = await start({ GATEWAY: "1", SERVICES: "registry,gateway", READER_TIMEOUT_MS: "1000" });
const found = { REGISTRY_ADDRESS: gateway.grpc, TRUSTED_GATEWAYS: "127.0.0.1" };
const CORE = "order,payment,product,inventory,notification,auth,analytics";
const [core, users] = await Promise.all([
  start({ ...found, SERVICES: CORE }),
  start({ ...found, SERVICES: "user" }),
]);
await awaitServing(
  gateway.grpc,
  ["Order", "Payment", "Product", "Inventory", "Notification", "Auth", "Analytics", "User"].map(
    (name) => `ecommerce.v1.${name}Service`,
  ),
  { credentials: credentials.createInsecure(), clock: systemClock, signal: AbortSignal.timeout(20_000) },
);
const shop = await shopAt(gateway.grpc, bearer);
const lamp = await shop.product(10_000n);

const staff = await shop.as(newId(), permissionsOf(["administrator"]));
const { user } = await staff.users.createUser(
  CreateUserRequest.fromPartial({ user: { email: "a@example.com" }, requestId: newId() }),
);
const userId = user?.userId ?? "";
const customer = await shop.as(userId);

async function buy(): Promise<string> {
  const { order } = await customer.gateway.checkout(shop.cardCheckout(lamp, { userId }));
  return order?.orderId ?? "";
}

type Updates = AsyncIterator<StreamOrderUpdatesResponse>;

function updates(of: Partial<StreamOrderUpdatesRequest> = {}): Updates {
  const request = StreamOrderUpdatesRequest.fromPartial({ userId, ...of });
  return customer.gateway.streamOrderUpdates(request)[Symbol.asyncIterator]();
}

async function nextOf(stream: Updates): Promise<StreamOrderUpdatesResponse> {
  const { value, done } = await stream.next();
  if (done === true) throw new Error("the stream ended");
  return value;
}

/** Reads to its end, which is to be an error. */
async function failureOf(stream: Updates): Promise<CallError> {
  try {
    for (;;) await nextOf(stream);
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
}

/** Nothing happens on it; begun early, so that its heartbeat has come when it is asked for. */
const quiet = updates({ orderIds: [newId()], heartbeatInterval: { seconds: 1n, nanos: 0 } });
const firstOfQuiet = nextOf(quiet);

const orders: LiveTopic = { $case: "orders", value: StreamOrderUpdatesRequest.fromPartial({ userId }) };
const everyProduct: NonNullable<LiveTopic> = {
  $case: "products",
  value: { productIds: [], category: "", priceRange: undefined },
};
const own = { heartbeatInterval: undefined, resumeToken: "" };
const topics: readonly NonNullable<LiveTopic>[] = [
  orders,
  everyProduct,
  { $case: "notifications", value: { ...own, userId, categories: [] } },
  { $case: "stock", value: { ...own, productIds: [lamp], kinds: [] } },
  { $case: "payments", value: { ...own, userId, orderIds: [], states: [] } },
  {
    $case: "metrics",
    value: {
      ...own,
      metrics: [Metric.METRIC_ORDERS],
      dimensions: [],
      window: { size: { seconds: 86_400n, nanos: 0 }, slide: undefined },
      includePartial: true,
      allowedLateness: { seconds: 0n, nanos: 0 },
    },
  },
];

test("Checkout and GetOrderWithDetails answer with what several processes know", async () => {
  const orderId = await buy();
  const details = await customer.gateway.getOrderWithDetails({ orderId });
  expect(details.missing).toEqual([]);
  expect(details.user?.userId).toBe(userId);
  expect(details.payment?.orderId).toBe(orderId);
  expect(details.products.map(({ productId }) => productId)).toEqual([lamp]);
});

test("LiveUpdates tells of every topic", async () => {
  // Sees all that a member of staff may, and is the customer.
  const stream = liveStream(await shop.as(userId, permissionsOf(["administrator"])));
  for (const topic of topics) stream.subscribe(topic.$case, topic);
  const begun = new Set<string>();
  while (begun.size < topics.length) {
    const { subscriptionId, event } = await stream.next();
    if (event?.$case === "subscribed") begun.add(subscriptionId);
    if (event?.$case === "error") throw new Error(`${subscriptionId}: ${event.value.message}`);
  }
  await buy();
  await staff.notifications.sendNotification(
    SendNotificationRequest.fromPartial({
      userId,
      channel: NotificationChannel.NOTIFICATION_CHANNEL_IN_APP,
      category: NotificationCategory.NOTIFICATION_CATEGORY_TRANSACTION,
      eventType: "order.shipped",
      templateName: "order.shipped",
      variables: { order_id: "1" },
      requestId: newId(),
    }),
  );
  await shop.product(0n);
  const told = new Map<string, string>();
  while (told.size < topics.length) {
    const { subscriptionId, event, resumeToken } = await stream.next();
    if (event === undefined || event.$case === "heartbeat") continue;
    told.set(subscriptionId, event.$case);
    expect(resumeToken).not.toBe("");
  }
  expect(Object.fromEntries(told)).toEqual({
    orders: "order",
    products: "product",
    notifications: "notification",
    stock: "stock",
    payments: "payment",
    metrics: "metrics",
  });
  stream.cut();
});

test("silence is broken by heartbeats, each with a place to go on from", async () => {
  const { event, resumeToken } = await firstOfQuiet;
  expect(event?.$case).toBe("heartbeat");
  expect(resumeToken).not.toBe("");
  await quiet.return?.();
});

const nothing: LiveTopic = {
  $case: "products",
  value: { productIds: [newId()], category: "", priceRange: undefined },
};

test("a stream has so many subscriptions at most, and takes another when one has ended", async () => {
  const stream = liveStream(customer);
  for (let n = 0; n < 100; n++) stream.subscribe(`${n}`, nothing);
  for (let n = 0; n < 100; n++) expect((await stream.next()).event?.$case).toBe("subscribed");
  stream.subscribe("too-many", nothing);
  const { subscriptionId, event } = await stream.next();
  expect(subscriptionId).toBe("too-many");
  expect(event).toMatchObject({ $case: "error", value: { code: Code.RESOURCE_EXHAUSTED } });
  stream.unsubscribe("7");
  stream.subscribe("again", nothing);
  expect((await stream.next()).event?.$case).toBe("unsubscribed");
  expect((await stream.next()).event?.$case).toBe("subscribed");
  stream.cut();
});

test("a reader that does not read is cut off, and goes on from where it read to", async () => {
  const slow = liveStream(customer);
  for (let n = 0; n < 100; n++) slow.subscribe(`${n}`, orders);
  let resumeToken = "";
  for (let n = 0; n < 100; n++) ({ resumeToken } = await slow.next());
  const orderId = await buy();
  // Its reader takes nothing, and so does not hear of it.
  const ended = () => figure("grpc_server_call_duration_seconds_count", "LiveUpdates", "RESOURCE_EXHAUSTED");
  await expect.poll(ended, { timeout: 10_000 }).toBe(1);
  await expect(unread(slow)).rejects.toMatchObject({ code: Code.CANCELLED });
  const again = liveStream(customer);
  again.subscribe("again", orders, resumeToken);
  expect((await again.next()).event?.$case).toBe("subscribed");
  expect(orderOf(await again.next())).toBe(orderId);
  again.cut();
});

/** A figure of the gateway, of the series that has all these labels. */
async function figure(name: string, ...labels: readonly string[]): Promise<number> {
  const scrape = await (await fetch(`http://${gateway.admin}/metrics`)).text();
  const line = scrape
    .split("\n")
    .find((series) => series.startsWith(`${name}{`) && labels.every((label) => series.includes(label)));
  return Number(line?.split(" ").at(-1) ?? 0);
}

/** Reads what had come before the end. */
async function unread(stream: LiveStream): Promise<never> {
  for (;;) await stream.next();
}

const orderOf = ({ event }: LiveUpdatesResponse): string | undefined =>
  event?.$case === "order" ? event.value.event?.order?.orderId : undefined;

test("a part whose process is gone is missing, and the rest is there in time", async () => {
  const orderId = await buy();
  expect(await users.end("SIGKILL")).toEqual([null, "SIGKILL"]);
  const details = await customer.gateway.getOrderWithDetails({ orderId });
  expect(details.missing.map(({ part }) => part)).toEqual([OrderPart.ORDER_PART_USER]);
  expect([Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED]).toContain(details.missing[0]?.error?.code);
  expect(details.products).toHaveLength(1);
  expect(details.payment?.orderId).toBe(orderId);
  await buy();
});

test("streams go on without a gap or a duplicate while the instance that serves them is replaced", async () => {
  const metadata = await bearer(userId, permissionsOf(["administrator"]));
  let breaks = 0;
  await using client = createEcommerceClient({
    addresses: [gateway.grpc],
    metadata: () => metadata,
    onEvent: ({ type }) => {
      if (type === "resumed") breaks += 1;
    },
  });
  const begun = Promise.withResolvers<string>();
  const onHeaders = (headers: Metadata): void => begun.resolve(String(headers.get("resume-token")[0]));
  const ofUser = StreamOrderUpdatesRequest.fromPartial({ userId });
  const composed = telling(client.gateway.streamOrderUpdates(ofUser, { onHeaders }), changeOf);
  const resumeToken = await begun.promise;
  const tracked = await buy();
  const track = TrackOrderRequest.fromPartial({ orderId: tracked });
  const tracking = telling(client.orders.trackOrder(track), ({ event }) =>
    event?.$case === "update" ? sayOrder(event.value.order) : undefined,
  );
  const live = liveStream(client);
  live.subscribe("products", everyProduct);
  expect((await live.next()).event?.$case).toBe("subscribed");
  const lively = telling(all(live), ({ event }) =>
    event?.$case === "product" ? event.value.product?.productId : otherThanHeartbeat(event?.$case),
  );
  const watched = telling(client.products.watchProducts(watchEveryProduct()), ({ event }) =>
    event?.$case === "update" ? event.value.product?.productId : otherThanHeartbeat(event?.$case),
  );
  await watched.until("subscribed");

  await start({ ...found, SERVICES: CORE });
  await expect.poll(() => coreInstances(client), { timeout: 15_000 }).toBe(2);
  const made = [await shop.product(0n)];
  await buy();
  const ended = core.end("SIGTERM");
  for (let n = 0; n < 5; n++) {
    made.push(await shop.product(0n));
    await buy();
  }
  expect(await ended).toEqual([0, null]);
  const { order } = await client.orders.cancelOrder(CancelOrderRequest.fromPartial({ orderId: tracked }));
  const last = await shop.product(0n);

  const change = sayOrder(order) ?? "";
  const told = await composed.until(change);
  const replay = telling(client.gateway.streamOrderUpdates({ ...ofUser, resumeToken }), changeOf);
  expect(told).toEqual(await replay.until(change));
  const ofTracked = told.filter((word) => word.startsWith(tracked));
  // It began in the middle of them.
  const trackedHere = await tracking.until(change);
  expect(trackedHere).toEqual(ofTracked.slice(-trackedHere.length));
  expect(await lively.until(last)).toEqual([...made, last]);
  expect(await watched.until(last)).toEqual(["subscribed", ...made, last]);
  // WatchProducts and TrackOrder, which the gateway only forwards.
  expect(breaks).toBeGreaterThanOrEqual(2);
  live.cut();
}, 60_000);

async function* watchEveryProduct(): AsyncGenerator<WatchProductsRequest> {
  const filter = { productIds: [], category: "", priceRange: undefined };
  yield { action: { $case: "subscribe", value: { subscriptionId: "all", filter, resumeToken: "" } } };
  // Nothing more is asked for, and the stream goes on.
  await new Promise<never>(() => {});
}

async function* all(stream: LiveStream): AsyncGenerator<LiveUpdatesResponse> {
  for (;;) yield await stream.next();
}

/** A slow machine makes silences. */
const otherThanHeartbeat = (event: string | undefined) => (event === "heartbeat" ? undefined : event);

const sayOrder = (order: Order | undefined): string | undefined => order && `${order.orderId} ${order.etag}`;

const changeOf = ({ event }: StreamOrderUpdatesResponse): string | undefined =>
  event?.$case === "update" ? sayOrder(event.value.event?.order) : undefined;

/** Instances of OrderService that the registry knows. */
async function coreInstances({ registry }: Pick<EcommerceServices, "registry">): Promise<number> {
  const service = OrderServiceDefinition.fullName;
  return (await registry.listInstances({ service, pageSize: 0, pageToken: "" })).instances.length;
}

test("a resume point that is too old is OUT_OF_RANGE, with a token of the present state", async () => {
  const key = await openPageTokenKey(readConfig({ DATA_DIR: dataDir }));
  const lifetimeMs = 168 * 3_600_000;
  const clock = { ...systemClock, now: () => systemClock.now() - lifetimeMs - 60_000 };
  const resumeToken = createPageTokens({ key, clock, lifetimeMs }).seal(
    { purpose: "gateway.orders.1", field: "resume_token", boundTo: JSON.stringify([userId, []]) },
    "1",
  );
  const refused = await failureOf(updates({ resumeToken }));
  expect(refused).toMatchObject({ code: Code.OUT_OF_RANGE, reason: "RESUME_TOKEN_EXPIRED" });
  const { snapshotToken = "" } = refused.details.resumeExpired ?? {};
  const { event } = await nextOf(updates({ resumeToken: snapshotToken }));
  expect(event).toMatchObject({ value: { event: { snapshot: true, order: { userId } } } });
  const live = liveStream(customer);
  live.subscribe("old", orders, resumeToken);
  expect((await live.next()).event).toMatchObject({ $case: "error", value: { code: Code.OUT_OF_RANGE } });
  live.cut();
});

test("the gateway drains: what is asked is answered, and streams end with where they go on", async () => {
  const stream = updates();
  const live = liveStream(customer);
  live.subscribe("orders", orders);
  expect((await live.next()).event?.$case).toBe("subscribed");
  await buy();
  const { resumeToken } = await nextOf(stream);
  const begun = () => figure("grpc_server_call_started_total", "Checkout");
  const before = await begun();
  const bought = Promise.all(Array.from({ length: 5 }, buy));
  await expect.poll(begun, { timeout: 10_000 }).toBe(before + 5);
  const cut = failureOf(stream);
  const liveCut = unread(live).catch((error: unknown) => error);
  expect(await gateway.end("SIGTERM")).toEqual([0, null]);
  expect(await cut).toMatchObject({ code: Code.UNAVAILABLE, reason: "SERVER_DRAINING" });
  expect(await liveCut).toMatchObject({ code: Code.UNAVAILABLE, reason: "SERVER_DRAINING" });
  expect(resumeToken).not.toBe("");
  expect(new Set(await bought).size).toBe(5);
});
