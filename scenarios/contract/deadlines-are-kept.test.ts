// Claim: a deadline that its caller states is kept by the server, for every method: before a request, while one is missing, and on a stream
// that would never end; afterwards nothing of the call goes on.
import { afterAll, expect, test } from "vitest";
import { messageMaker } from "#harness/contract/valid-messages.ts";
import { Code } from "#proto/google/rpc/code.ts";
import { seed } from "../scenario-seed.ts";
import { sharedShop } from "../shared-shop.ts";

const { contract, known, system, token, connect } = sharedShop;
const maker = messageMaker(contract, known);
const connection = await connect();
afterAll(() => connection.close());

const EXPIRED_MS = 0.001;
const SHORT_MS = 100;
const PATIENCE_MS = 10_000;
const [productId = ""] = known.productId ?? [];
const [userId = ""] = known.userId ?? [];

interface Sent {
  readonly timeoutMs: number;
  readonly message?: Uint8Array;
  readonly end?: boolean;
}

/** How the server ended the call. An end of our own has another status. */
async function endOf(path: string, { timeoutMs, message, end = false }: Sent): Promise<string> {
  const stream = await connection.open(
    { path, timeoutMs, metadata: [["authorization", `Bearer ${token}`]] },
    AbortSignal.timeout(PATIENCE_MS),
  );
  if (message !== undefined) await stream.send(message);
  if (end) stream.end();
  for await (const _ of stream.messages);
  const { grpcStatus, failure } = await stream.outcome;
  return failure ?? (grpcStatus === Code.DEADLINE_EXCEEDED ? "deadline exceeded" : `status ${grpcStatus}`);
}

const { methods } = contract;

/** Those of them that ended otherwise. */
async function endedOtherwise(ends: readonly Promise<readonly [string, string]>[]): Promise<unknown> {
  return (await Promise.all(ends)).filter(([, end]) => end !== "deadline exceeded");
}

test("every method refuses a call that is late already", async () => {
  const ends = methods.map(async ({ path, input }) => {
    const [json = {}] = maker.valid(input, seed, 1);
    const message = maker.encode(input, json);
    return [path, await endOf(path, { timeoutMs: EXPIRED_MS, message, end: true })] as const;
  });
  expect(await endedOtherwise(ends), `SEED=${seed}`).toEqual([]);
});

const withoutRequests = () =>
  methods.map(async ({ path }) => [path, await endOf(path, { timeoutMs: SHORT_MS })] as const);

test("no method waits longer for a request that does not come", async () => {
  expect(await endedOtherwise(withoutRequests())).toEqual([]);
});

/** Requests of streams that end only when their caller wants. */
const ENDLESS: Readonly<Record<string, object>> = {
  "AnalyticsService/StreamMetrics": { metrics: ["METRIC_REVENUE"], window: { size: "60s" } },
  "AuthService/WatchRevocations": {},
  "GatewayService/StreamOrderUpdates": { userId },
  "GatewayService/LiveUpdates": { subscribe: { subscriptionId: "a", products: {} } },
  "InventoryService/WatchStock": { productIds: [productId] },
  "NotificationService/StreamNotifications": { userId },
  "OrderService/WatchOrders": { userId },
  "PaymentService/WatchPayments": { userId },
  "ProductService/StreamProductUpdates": {},
  "ProductService/WatchProducts": { subscribe: { subscriptionId: "a" } },
  "RegistryService/WatchInstances": {},
};

test("streams without end end at their deadline", async () => {
  const ends = Object.entries(ENDLESS).map(async ([name, json]) => {
    const path = `/ecommerce.v1.${name}`;
    const method = methods.find((one) => one.path === path);
    if (method === undefined) throw new Error(`${name} is not in the contract`);
    expect(maker.violations(method.input, json), name).toEqual([]);
    const message = maker.encode(method.input, json);
    return [path, await endOf(path, { timeoutMs: 2 * SHORT_MS, message })] as const;
  });
  expect(await endedOtherwise(ends)).toEqual([]);
});

test("nothing of any call goes on, on the connection or in the server", async () => {
  expect(connection.stats().openStreams).toBe(0);
  const before = await openCalls();
  const open = withoutRequests();
  await expect.poll(openCalls).toBeGreaterThan(before);
  await Promise.all(open);
  await expect.poll(openCalls).toBeLessThanOrEqual(before);
});

async function openCalls(): Promise<number> {
  const text = await system.metrics();
  return [...text.matchAll(/^grpc_server_open_calls\{.*\} (\d+)/gm)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
}
