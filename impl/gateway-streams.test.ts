import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import {
  type LiveUpdatesResponse,
  type OrderUpdate,
  StreamOrderUpdatesRequest,
  type StreamOrderUpdatesResponse,
  type SubscribeLive,
} from "#proto/ecommerce/v1/gateway.ts";
import { CancelOrderRequest } from "#proto/ecommerce/v1/order_service.ts";
import { newId } from "./runtime/ids.ts";
import { Code } from "./runtime/status.ts";
import { type LiveStream, liveStream } from "./testing/live-stream.ts";
import { startShopSystem } from "./testing/shop-system.ts";

const shop = await startShopSystem();
const lamp = await shop.product(10_000n);
const userId = newId();
const customer = await shop.as(userId);
const guest = await shop.as();
let open: AbortController[] = [];

afterEach(() => {
  for (const each of open) each.abort();
  open = [];
  for (const each of live) each.cut();
  live = [];
});

/** A stream of the customer's orders that has begun. */
async function updates(resumeToken = "", of = userId) {
  const stop = new AbortController();
  open.push(stop);
  const begun = Promise.withResolvers<string>();
  const request = StreamOrderUpdatesRequest.fromPartial({ userId: of, resumeToken });
  const client = of === userId ? customer : await shop.as(of);
  const stream = client.gateway
    .streamOrderUpdates(request, {
      signal: stop.signal,
      onHeaders: (headers) => begun.resolve(String(headers.get("resume-token")[0])),
    })
    [Symbol.asyncIterator]();
  const first = stream.next();
  first.catch(begun.reject);
  const token = await begun.promise;
  let pending: Promise<IteratorResult<StreamOrderUpdatesResponse>> | undefined = first;
  return {
    token,
    cut: () => stop.abort(),
    async next(): Promise<StreamOrderUpdatesResponse> {
      const { value, done } = await (pending ?? stream.next());
      pending = undefined;
      if (done === true) throw new Error("the stream ended");
      return value;
    },
  };
}

const changeOf = ({ event }: StreamOrderUpdatesResponse): OrderUpdate | undefined =>
  event?.$case === "update" ? event.value : undefined;
const say = (message: StreamOrderUpdatesResponse): string => {
  const { order } = changeOf(message)?.event ?? {};
  return `${order?.orderId} ${order?.etag}`;
};

async function watchesOfOrders(): Promise<number> {
  const scrape = await (await fetch(`http://${shop.system.admin}/metrics`)).text();
  return Number(/grpc_server_call_started_total\{[^}]*WatchOrders[^}]*\} (\d+)/.exec(scrape)?.[1]);
}

async function buy(): Promise<string> {
  const { order } = await customer.gateway.checkout(shop.cardCheckout(lamp, { userId }));
  return order?.orderId ?? "";
}

/** The messages up to this one. */
async function until(stream: { next(): Promise<StreamOrderUpdatesResponse> }, last: string) {
  const told: StreamOrderUpdatesResponse[] = [];
  for (;;) {
    const message = await stream.next();
    told.push(message);
    if (say(message) === last) return told;
  }
}

describe("StreamOrderUpdates", () => {
  test("tells many the same changes with their products from one stream of orders", async () => {
    const streams = await Promise.all(Array.from({ length: 20 }, () => updates()));
    const orderId = await buy();
    const first = await Promise.all(streams.map(({ next }) => next()));
    expect(new Set(first.map((message) => changeOf(message)?.event?.order?.orderId))).toEqual(
      new Set([orderId]),
    );
    expect(new Set(first.map(say)).size).toBe(1);
    expect(first.map((message) => changeOf(message)?.products.map(({ productId }) => productId))).toEqual(
      first.map(() => [lamp]),
    );
    // One of the gateway; analytics opens its own when it likes, and again after a cut.
    expect(await watchesOfOrders()).toBeLessThan(5);
  });

  test("a stream that is cut after any of its messages goes on with the next", async () => {
    const whole = await updates();
    await buy();
    const orderId = await buy();
    const cancelled = await customer.orders.cancelOrder(CancelOrderRequest.fromPartial({ orderId }));
    const told = await until(whole, `${orderId} ${cancelled.order?.etag}`);
    const expected = told.map(say);
    for (let at = -1; at < told.length - 1; at += 1) {
      const resumed = await updates(at < 0 ? whole.token : told[at]?.resumeToken);
      const rest = [];
      for (let index = at + 1; index < told.length; index += 1) rest.push(say(await resumed.next()));
      expect(rest).toEqual(expected.slice(at + 1));
      resumed.cut();
    }
  });

  test("another user's orders are not told, and a token is good for its own stream only", async () => {
    const other = newId();
    const theirs = await updates("", other);
    const mine = await updates();
    await buy();
    await mine.next();
    await expect(updates(theirs.token)).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
    const stranger = StreamOrderUpdatesRequest.fromPartial({ userId });
    const refused = (await shop.as(other)).gateway
      .streamOrderUpdates(stranger)
      [Symbol.asyncIterator]()
      .next();
    await expect(refused).rejects.toMatchObject({ code: Code.PERMISSION_DENIED });
  });
});

let live: LiveStream[] = [];

function follow(client = customer): LiveStream {
  const stream = liveStream(client);
  live.push(stream);
  return stream;
}

const told = ({ subscriptionId, event }: LiveUpdatesResponse): string => `${subscriptionId} ${event?.$case}`;
const orders = { $case: "orders", value: StreamOrderUpdatesRequest.fromPartial({ userId }) } as const;
const products: SubscribeLive["topic"] = {
  $case: "products",
  value: { productIds: [], category: "", priceRange: undefined },
};

describe("LiveUpdates", () => {
  test("a topic needs what its stream needs, and what goes wrong does not end the stream", async () => {
    const stream = follow(guest);
    stream.subscribe("a", orders);
    expect((await stream.next()).event).toMatchObject({ value: { code: Code.UNAUTHENTICATED } });
    stream.subscribe("b", products);
    expect(told(await stream.next())).toBe("b subscribed");
    stream.subscribe("b", products);
    expect((await stream.next()).event).toMatchObject({ value: { code: Code.ALREADY_EXISTS } });
    stream.unsubscribe("c");
    expect((await stream.next()).event).toMatchObject({ value: { code: Code.NOT_FOUND } });
    stream.unsubscribe("b");
    expect(told(await stream.next())).toBe("b unsubscribed");
    stream.halfClose();
    expect(await stream.ended()).toBe(true);
    const mine = follow();
    mine.subscribe("s", {
      $case: "stock",
      value: { productIds: [], kinds: [], heartbeatInterval: undefined, resumeToken: "" },
    });
    expect((await mine.next()).event).toMatchObject({ value: { code: Code.PERMISSION_DENIED } });
  });

  test("goes on by subscription where it was cut, from the first message on", async () => {
    const first = follow();
    first.subscribe("o", orders);
    const { resumeToken } = await first.next();
    await buy();
    const whole = [await first.next(), await first.next()];
    for (const token of [resumeToken, whole[0]?.resumeToken]) {
      const again = follow();
      again.subscribe("again", orders, token);
      expect(told(await again.next())).toBe("again subscribed");
      const { event } = await again.next();
      expect(event).toEqual(whole[token === resumeToken ? 0 : 1]?.event);
    }
  });

  test("subscriptions come and go in any order, each answer as if it were alone", async () => {
    const command = fc.record({ id: fc.constantFrom("a", "b", "c"), on: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 12 }), async (commands) => {
        const stream = follow();
        const there = new Set<string>();
        for (const { id, on } of commands) {
          if (on) stream.subscribe(id, id === "a" ? orders : products);
          else stream.unsubscribe(id);
          const { subscriptionId, event } = await stream.next();
          expect(subscriptionId).toBe(id);
          const right = there.has(id) !== on;
          expect(event?.$case).toBe(right ? (on ? "subscribed" : "unsubscribed") : "error");
          if (on) there.add(id);
          else there.delete(id);
        }
        for (const id of there) stream.unsubscribe(id);
        for (const _ of there) expect((await stream.next()).event?.$case).toBe("unsubscribed");
        stream.halfClose();
        expect(await stream.ended()).toBe(true);
      }),
      { numRuns: 8 },
    );
  });
});
