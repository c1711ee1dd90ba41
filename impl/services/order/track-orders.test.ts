import { expect, test } from "vitest";
import { failure, present } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import type { Order } from "#proto/ecommerce/v1/order.ts";
import {
  CancelOrderRequest,
  type OrderEvent,
  type TrackOrderResponse,
  WatchOrdersRequest,
  type WatchOrdersResponse,
} from "#proto/ecommerce/v1/order_service.ts";
import { OrderStatus } from "./order.ts";
import { statusName } from "./order-status.ts";
import { draft, get, place, startOrders, take } from "./testing/order-fixture.ts";
import { as } from "./testing/order-process.ts";

const orders = await startOrders();
const { shop, client } = orders;
const lamp = await shop.product(1_000n, 100n);
const LONG = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(15_000) });

test("an order is tracked from its present state through every change to its end", async () => {
  const order = await take(orders, await draft(shop, [{ productId: await shop.product(0n, 100n) }]));
  const updates = updatesOf(await Array.fromAsync(track(order.orderId)));
  const [first, ...changes] = updates;
  expect(first).toMatchObject({ snapshot: true, previousStatus: OrderStatus.ORDER_STATUS_UNSPECIFIED });
  let status = first?.order?.status;
  for (const { previousStatus, order: after, snapshot } of changes) {
    expect([snapshot, previousStatus]).toEqual([false, status]);
    status = after?.status;
  }
  expect(updates.at(-1)?.order).toEqual(await get(orders, order.orderId));
  expect(statusName(present(status))).toBe("OUT_OF_STOCK");
});

test("every state of an order that is paid is an event", async () => {
  const request = WatchOrdersRequest.fromPartial({ heartbeatInterval: { seconds: 1n } });
  const watching = client.watchOrders(request, LONG())[Symbol.asyncIterator]();
  // A heartbeat says that the stream has begun.
  await watching.next();
  const order = await place(orders, await draft(shop, [{ productId: lamp }]));
  const seen = await collect(watching, 6);
  expect(new Set(seen.map(({ order: after }) => after?.orderId))).toEqual(new Set([order.orderId]));
  expect(seen.map(({ order: after }) => statusName(present(after?.status)))).toEqual([
    "PENDING",
    "RESERVING",
    "AUTHORIZING",
    "CONFIRMED",
    "CAPTURING",
    "PROCESSING",
  ]);
  expect(new Set(seen.map(({ order: after }) => after?.etag)).size).toBe(6);
});

test("a stream that is resumed after any of its messages goes on with the next", async () => {
  const { orderId } = await place(orders, await draft(shop, [{ productId: lamp }]));
  const tracking = track(orderId)[Symbol.asyncIterator]();
  const messages = [present((await tracking.next()).value)];
  await client.cancelOrder(CancelOrderRequest.fromPartial({ orderId }));
  for (let next = await tracking.next(); next.done !== true; next = await tracking.next())
    messages.push(next.value);
  for (const [index, { resumeToken }] of messages.entries()) {
    const rest = updatesOf(await Array.fromAsync(track(orderId, resumeToken)));
    expect(rest).toEqual(updatesOf(messages.slice(index + 1)));
  }
});

test("what a snapshot has told is not told again to whoever was cut off after it", async () => {
  const soldOut = await shop.product(0n, 100n);
  // Many, while the order moves: some read it right after a change that they place behind their snapshot.
  const cutOff = async (): Promise<void> => {
    const { orderId } = await take(orders, await draft(shop, [{ productId: soldOut }]));
    const readers = Array.from({ length: 10 }, async () => {
      const [first] = await firstOf(track(orderId), 1);
      const rest = await Array.fromAsync(track(orderId, first?.resumeToken));
      const etags = updatesOf([present(first), ...rest]).map(({ order }) => order?.etag);
      expect(new Set(etags).size).toBe(etags.length);
    });
    await Promise.all(readers);
  };
  await Promise.all(Array.from({ length: 6 }, cutOff));
});

test("an order at its end is told and the stream ends, unless that was told before", async () => {
  const { orderId } = await place(orders, await draft(shop, [{ productId: await shop.product(0n, 100n) }]));
  const [only, ...more] = await Array.fromAsync(track(orderId));
  expect([updatesOf([present(only)])[0]?.snapshot, more]).toEqual([true, []]);
  expect(await Array.fromAsync(track(orderId, only?.resumeToken))).toEqual([]);
});

test("only who bought or may read orders tracks one", async () => {
  const customer = newId();
  const asked = await draft(shop, [{ productId: lamp }], { userId: customer, charges: undefined });
  const { orderId } = await place(orders, asked, as(customer));
  const request = { orderId, heartbeatInterval: undefined, resumeToken: "" };
  for (const caller of [as(customer), as(newId(), ["orders.read"])]) {
    const [first] = await firstOf(client.trackOrder(request, { ...caller, ...LONG() }), 1);
    expect(updatesOf([present(first)])[0]?.order?.orderId).toBe(orderId);
  }
  const stranger = Array.fromAsync(client.trackOrder(request, as(newId())));
  expect((await failure(stranger)).reason).toBe("NOT_FOUND");
  const unknown = Array.fromAsync(track(newId()));
  expect((await failure(unknown)).reason).toBe("NOT_FOUND");
});

test("a user's orders are watched by user, by order and by state", async () => {
  const [anna, ben] = [newId(), newId()];
  const watched: Partial<WatchOrdersRequest>[] = [
    { userId: anna },
    { userId: anna, statuses: [OrderStatus.ORDER_STATUS_PROCESSING] },
    { statuses: [OrderStatus.ORDER_STATUS_PROCESSING] },
  ];
  const streams = watched.map((request) =>
    client.watchOrders(
      WatchOrdersRequest.fromPartial({ ...request, heartbeatInterval: { seconds: 1n } }),
      LONG(),
    ),
  );
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  const firsts = iterators.map((iterator) => iterator.next());
  // A heartbeat says that each stream has begun.
  await Promise.all(firsts);
  const placed = async (userId: string): Promise<Order> =>
    await place(orders, await draft(shop, [{ productId: lamp }], { userId }));
  const [hers, his] = [await placed(anna), await placed(ben)];
  const seen = await Promise.all([
    collect(present(iterators[0]), 6),
    collect(present(iterators[1]), 1),
    collect(present(iterators[2]), 2),
  ]);
  expect(new Set(seen[0]?.map(({ order }) => order?.orderId))).toEqual(new Set([hers.orderId]));
  expect(seen[1]?.map(({ order }) => order)).toEqual([hers]);
  expect(seen[2]?.map(({ order }) => order)).toEqual([hers, his]);
});

function track(orderId: string, resumeToken = ""): AsyncIterable<TrackOrderResponse> {
  return client.trackOrder({ orderId, heartbeatInterval: undefined, resumeToken }, LONG());
}

function updatesOf(messages: readonly (TrackOrderResponse | WatchOrdersResponse)[]): OrderEvent[] {
  return messages.flatMap(({ event }) => (event?.$case === "update" ? [event.value] : []));
}

async function firstOf<T>(stream: AsyncIterable<T>, count: number): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) {
    items.push(item);
    if (items.length === count) break;
  }
  return items;
}

/** So many updates, and then the stream is let go. */
async function collect(iterator: AsyncIterator<WatchOrdersResponse>, count: number): Promise<OrderEvent[]> {
  const updates: OrderEvent[] = [];
  while (updates.length < count) updates.push(...updatesOf([(await iterator.next()).value]));
  await iterator.return?.();
  return updates;
}
