import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { failure, present } from "#impl/client/testing/answers.ts";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { ResumeExpired } from "#proto/ecommerce/v1/event.ts";
import type {
  ProductFilter,
  WatchProductsRequest,
  WatchProductsResponse,
} from "#proto/ecommerce/v1/product_service.ts";
import { create, draft, type ProductFixture, productFixture } from "./testing/product-fixture.ts";
import { filtered, told } from "./testing/update-stream.ts";

const fixture = await productFixture();
const { client, database, events } = fixture;

/** Both sides of a stream. */
function watch({ client, calls }: ProductFixture = fixture) {
  const place = calls.length;
  const wanted: WatchProductsRequest[] = [];
  let closed = false;
  let wake = (): void => {};
  async function* requests(): AsyncGenerator<WatchProductsRequest> {
    for (;;) {
      yield* wanted.splice(0);
      if (wanted.length > 0) continue;
      if (closed) return;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const abort = new AbortController();
  const responses = client.watchProducts(requests(), { signal: abort.signal })[Symbol.asyncIterator]();
  const ask = (action: WatchProductsRequest["action"]) => {
    wanted.push({ action });
    wake();
  };
  const next = async (): Promise<WatchProductsResponse> => {
    const { value, done } = await responses.next();
    if (done === true) throw new Error("the stream ended");
    return value;
  };
  return {
    next,
    says: async (count: number) => {
      const all: string[] = [];
      while (all.length < count) all.push(say(await next()));
      return all;
    },
    subscribe(subscriptionId: string, filter: Partial<ProductFilter> = {}, resumeToken = "") {
      ask({ $case: "subscribe", value: { subscriptionId, ...filtered(filter), resumeToken } });
    },
    unsubscribe: (subscriptionId: string) => ask({ $case: "unsubscribe", value: { subscriptionId } }),
    halfClose() {
      closed = true;
      wake();
    },
    ended: async () => (await responses.next()).done,
    call: () => present(calls[place]),
    cancel: () => abort.abort(),
  };
}

/** "a: UPDATED lamp", "a: subscribed", "a: 5". */
function say({ subscriptionId, event }: WatchProductsResponse): string {
  if (event?.$case === "update") return `${subscriptionId}: ${told(event.value)}`;
  return `${subscriptionId}: ${event?.$case === "error" ? event.value.code : event?.$case}`;
}

describe("WatchProducts", () => {
  test("tells each subscription of its own products, from when it began until it was ended", async () => {
    const stream = watch();
    stream.subscribe("home", { category: "home" });
    expect(await stream.says(1)).toEqual(["home: subscribed"]);
    stream.subscribe("garden", { category: "garden" });
    expect(await stream.says(1)).toEqual(["garden: subscribed"]);
    await create(client, { name: "lamp", category: "home" });
    await create(client, { name: "hose", category: "garden" });
    await create(client, { name: "pen", category: "office" });
    expect((await stream.says(2)).toSorted()).toEqual(["garden: CREATED hose", "home: CREATED lamp"]);
    stream.unsubscribe("home");
    expect(await stream.says(1)).toEqual(["home: unsubscribed"]);
    await create(client, { name: "chair", category: "home" });
    await create(client, { name: "spade", category: "garden" });
    stream.subscribe("home", { category: "home" });
    expect((await stream.says(2)).toSorted()).toEqual(["garden: CREATED spade", "home: subscribed"]);
    await create(client, { name: "sofa", category: "home" });
    expect(await stream.says(1)).toEqual(["home: CREATED sofa"]);
    stream.cancel();
    await until(() => stream.call().finished);
  });

  test("tells what is wrong with one subscription, and goes on with the others", async () => {
    const stream = watch();
    stream.subscribe("a");
    const { resumeToken } = await stream.next();
    stream.subscribe("a");
    stream.unsubscribe("b");
    stream.subscribe("b", { category: "home" }, resumeToken);
    expect(await stream.says(3)).toEqual([
      `a: ${Code.ALREADY_EXISTS}`,
      `b: ${Code.NOT_FOUND}`,
      `b: ${Code.INVALID_ARGUMENT}`,
    ]);
    for (let n = 1; n < 100; n++) stream.subscribe(`${n}`, { category: "none" });
    expect(new Set(await stream.says(99))).toEqual(
      new Set(Array.from({ length: 99 }, (_, n) => `${n + 1}: subscribed`)),
    );
    stream.subscribe("too-many");
    const refused = await stream.next();
    expect(say(refused)).toBe(`too-many: ${Code.RESOURCE_EXHAUSTED}`);
    stream.unsubscribe("7");
    stream.subscribe("again", { category: "none" });
    expect(await stream.says(2)).toEqual(["7: unsubscribed", "again: subscribed"]);
    await create(client, { name: "lamp" });
    expect(await stream.says(1)).toEqual(["a: CREATED lamp"]);
    stream.cancel();
  });

  test("goes on with each subscription where it was cut", async () => {
    const first = watch();
    first.subscribe("a", { category: "home" });
    first.subscribe("b", { category: "garden" });
    await first.says(2);
    await create(client, { name: "1", category: "home" });
    await create(client, { name: "2", category: "garden" });
    const tokens = new Map<string, string>();
    for (let n = 0; n < 2; n++) {
      const { subscriptionId, resumeToken } = await first.next();
      tokens.set(subscriptionId, resumeToken);
    }
    first.unsubscribe("a");
    const left = await first.next();
    expect([say(left), left.resumeToken]).toEqual(["a: unsubscribed", tokens.get("a")]);
    first.cancel();
    await create(client, { name: "3", category: "home" });
    await create(client, { name: "4", category: "garden" });
    const second = watch();
    second.subscribe("a", { category: "home" }, tokens.get("a"));
    expect(await second.says(2)).toEqual(["a: subscribed", "a: CREATED 3"]);
    second.subscribe("b", { category: "garden" }, tokens.get("b"));
    expect(await second.says(2)).toEqual(["b: subscribed", "b: CREATED 4"]);
    second.cancel();
  });

  test("keeps the subscriptions of a caller that has closed its side, and ends without any", async () => {
    const stream = watch();
    stream.subscribe("a");
    await stream.says(1);
    stream.halfClose();
    await create(client, { name: "lamp" });
    expect(await stream.says(1)).toEqual(["a: CREATED lamp"]);
    stream.cancel();
    const idle = watch();
    idle.unsubscribe("none");
    idle.halfClose();
    expect(await idle.says(1)).toEqual([`none: ${Code.NOT_FOUND}`]);
    expect(await idle.ended()).toBe(true);
  });

  test("offers the present state to a subscription whose events are gone", async () => {
    const category = "expired";
    const stream = watch();
    stream.subscribe("a", { category });
    const { resumeToken } = await stream.next();
    stream.cancel();
    await create(client, { name: "lamp", category });
    const head = await events.head();
    await sql`delete from products.outbox where position <= ${head}`.execute(database.queries);
    await sql`update products.outbox_head set purged_through = ${head}`.execute(database.queries);
    const restarted = watch(await productFixture({ database }));
    restarted.subscribe("a", { category }, resumeToken);
    expect(await restarted.says(1)).toEqual(["a: subscribed"]);
    const { event } = await restarted.next();
    if (event?.$case !== "error") throw new Error("an error was due");
    expect(event.value.code).toBe(Code.OUT_OF_RANGE);
    const [detail] = event.value.details.filter(({ typeUrl }) =>
      typeUrl.endsWith("/ecommerce.v1.ResumeExpired"),
    );
    const { snapshotToken } = ResumeExpired.decode(present(detail).value);
    restarted.subscribe("a", { category }, snapshotToken);
    expect(await restarted.says(2)).toEqual(["a: subscribed", "a: SNAPSHOT lamp"]);
    await create(client, { name: "chair", category });
    expect(await restarted.says(1)).toEqual(["a: CREATED chair"]);
    restarted.cancel();
  });
});

test("silence is broken by a heartbeat of the stream", async () => {
  const callClock = { ...manualClock(systemClock.now()) };
  const stream = watch(await productFixture({ database, callClock }));
  stream.subscribe("a");
  await stream.says(1);
  callClock.advance(15_000);
  const { subscriptionId, event, resumeToken } = await stream.next();
  expect([subscriptionId, event?.$case, resumeToken]).toEqual(["", "heartbeat", ""]);
  stream.cancel();
});

test("a stream that is not read is ended, and its subscriptions go on elsewhere", async () => {
  const clock = manualClock(systemClock.now());
  const slow = await productFixture({ database, events: { clock, limits: { queueEvents: 2 } } });
  const stream = watch(slow);
  stream.subscribe("a");
  let { resumeToken } = await stream.next();
  const description = "x".repeat(4_000);
  const names = Array.from({ length: 200 }, (_, n) => `${n + 100}`);
  const { client } = slow;
  await create(client, { name: "first" });
  expect(await stream.says(1)).toEqual(["a: CREATED first"]);
  await client.importProducts(
    names.map((name) => ({
      part: { $case: "row", value: { rowNumber: 0n, product: draft({ sku: name, name, description }) } },
    })),
  );
  await slow.events.head();
  clock.advance(30_000);
  await until(() => stream.call().finished);
  const got: string[] = [];
  const error = await failure(
    (async () => {
      for (;;) {
        const message = await stream.next();
        resumeToken = message.resumeToken;
        got.push(say(message));
      }
    })(),
  );
  expect(error).toMatchObject({ code: Code.RESOURCE_EXHAUSTED, reason: "SLOW_CONSUMER" });
  const again = watch(slow);
  again.subscribe("a", {}, resumeToken);
  await again.says(1);
  got.push(...(await again.says(names.length - got.length)));
  expect(got).toEqual(names.map((name) => `a: CREATED ${name}`));
  again.cancel();
});
