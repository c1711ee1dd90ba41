import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { notFound, unavailable } from "#impl/runtime/rpc-error.ts";
import { implement } from "#impl/runtime/service.ts";
import { Code } from "#impl/runtime/status.ts";
import { ecommerceSchema, startTestServer } from "#impl/runtime/testing/test-server.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { subscriptionStream, type Told } from "#impl/services/shared/subscription-stream.ts";
import {
  ProductServiceDefinition,
  ProductUpdate,
  type SubscribeProducts,
  type WatchProductsRequest,
  WatchProductsResponse,
} from "#proto/ecommerce/v1/product_service.ts";
import { createEcommerceClient } from "./ecommerce-client.ts";
import { hasSubscriptions } from "./resume-subscriptions.ts";

type WatchEvent = NonNullable<WatchProductsResponse["event"]>;

const schema = ecommerceSchema();
/** What each subscription tells, one after another, as numbers that are tokens too. */
const LAST = 6;
/** More than openings of one test that tell nothing new. */
const MAX_ATTEMPTS = 10;

/** How many messages each opening tells before it breaks; without one it does not. */
let lives: number[] = [];
const opened: string[][] = [];
const server = await startTestServer({
  schema,
  services: [
    implement(ProductServiceDefinition, {
      async *watchProducts(requests, call) {
        const life = lives.shift() ?? Number.POSITIVE_INFINITY;
        const subscribed: string[] = [];
        opened.push(subscribed);
        let sent = 0;
        const follow = async function* ({
          subscriptionId,
          resumeToken,
        }: SubscribeProducts): AsyncGenerator<Told<WatchEvent>> {
          subscribed.push(`${subscriptionId} ${resumeToken}`);
          if (subscriptionId === "refused") throw notFound("product", "p1");
          yield { event: { $case: "subscribed", value: {} }, resumeToken: resumeToken || "0" };
          for (let number = Number(resumeToken) + 1; number <= LAST; number++) {
            const value = ProductUpdate.fromPartial({});
            yield { event: { $case: "update", value }, resumeToken: `${number}` };
          }
          // Until it is stopped.
          await new Promise<never>(() => {});
        };
        const type = "ecommerce.v1.SubscribeProducts";
        for await (const message of subscriptionStream(requests, { call, type, follow })) {
          if (sent++ >= life) throw unavailable("BROKEN", "broken");
          yield WatchProductsResponse.fromPartial(message);
        }
      },
    }),
  ],
});
server.health.set("", "SERVING");
const client = createEcommerceClient({
  addresses: [server.address],
  schema,
  resume: { initialBackoffMs: 0, maxAttempts: MAX_ATTEMPTS },
  breaker: false,
});
afterAll(async () => {
  await client.close();
  await server.drain();
});

/** Both sides of a stream. */
function watch() {
  const wanted: WatchProductsRequest[] = [];
  let closed = false;
  let wake = (): void => {};
  let returned = false;
  async function* requests(): AsyncGenerator<WatchProductsRequest> {
    try {
      for (;;) {
        yield* wanted.splice(0);
        if (wanted.length > 0) continue;
        if (closed) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      returned = true;
    }
  }
  const ask = (action: WatchProductsRequest["action"]): void => {
    wanted.push({ action });
    wake();
  };
  return {
    responses: client.products.watchProducts(requests()),
    subscribe: (subscriptionId: string) =>
      ask({ $case: "subscribe", value: { subscriptionId, filter: undefined, resumeToken: "" } }),
    unsubscribe: (subscriptionId: string) => ask({ $case: "unsubscribe", value: { subscriptionId } }),
    halfClose() {
      closed = true;
      wake();
    },
    returned: () => returned,
  };
}

const say = ({ event, resumeToken }: WatchProductsResponse): string =>
  event?.$case === "update" ? resumeToken : (event?.$case ?? "");

test("which streams carry subscriptions is in the contract", () => {
  const names = [...schema.methods.values()].filter(hasSubscriptions).map(({ name }) => name);
  expect(names.sort()).toEqual(["LiveUpdates", "WatchProducts"]);
});

test("wherever the stream breaks, each subscription is told once and in order, and ends as it was asked", async () => {
  const numbers = Array.from({ length: LAST }, (_, index) => `${index + 1}`);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }), async (messages) => {
      lives = [...messages];
      const stream = watch();
      const told = new Map<string, string[]>();
      for (const id of ["a", "b", "c"]) stream.subscribe(id);
      for await (const message of stream.responses) {
        const said = [...(told.get(message.subscriptionId) ?? []), say(message)];
        told.set(message.subscriptionId, said);
        // Another one begins while the first go on.
        if (message.subscriptionId === "a" && said.length === 2) stream.subscribe("d");
        if (said.at(-1) === `${LAST}`) stream.unsubscribe(message.subscriptionId);
        if (told.size === 4 && [...told.values()].every((all) => all.at(-1) === "unsubscribed"))
          stream.halfClose();
      }
      for (const id of ["a", "b", "c", "d"]) {
        expect(told.get(id)).toEqual(["subscribed", ...numbers, "unsubscribed"]);
      }
    }),
    { numRuns: 15 },
  );
});

test("a subscription that was refused is not asked for again, and its refusal is told", async () => {
  lives = [4];
  opened.length = 0;
  const stream = watch();
  const responses = stream.responses[Symbol.asyncIterator]();
  stream.subscribe("refused");
  const { value: refused } = await responses.next();
  expect(refused?.event).toMatchObject({ $case: "error", value: { code: Code.NOT_FOUND } });
  stream.subscribe("a");
  for (let n = 0; n <= LAST; n++) await responses.next();
  expect(opened).toEqual([["refused ", "a "], ["a 2"]]);
  await responses.return?.();
});

test("so many breaks in a row without a message are the reader's error, and whoever asks is told that it is over", async () => {
  lives = Array.from({ length: MAX_ATTEMPTS + 1 }, () => 0);
  opened.length = 0;
  const stream = watch();
  stream.subscribe("a");
  await expect(Array.fromAsync(stream.responses)).rejects.toMatchObject({ reason: "BROKEN" });
  expect(opened).toHaveLength(MAX_ATTEMPTS + 1);
  stream.halfClose();
  await until(stream.returned);
});

test("what goes wrong with the requests is no break", async () => {
  lives = [];
  opened.length = 0;
  const next = () => Promise.reject(new Error("the requests cannot be had"));
  const stream = client.products.watchProducts({ [Symbol.asyncIterator]: () => ({ next }) });
  await expect(Array.fromAsync(stream)).rejects.toThrow("the requests cannot be had");
  expect(opened.length).toBeLessThan(2);
});
