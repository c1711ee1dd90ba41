// One change of stock told to many: standing WatchStock streams, and calls of ReceiveStock that are over when every stream has told of them.

import { v7 as uuidV7 } from "uuid";
import { noStatus } from "#harness/load/driver.ts";
import {
  ReceiveStockRequest,
  StockEventKind,
  WatchStockRequest,
  WatchStockResponse,
} from "#proto/ecommerce/v1/inventory.ts";
import type { WireConnection } from "#wire/connection.ts";
import { GrpcStatus } from "#wire/grpc-status.ts";
import type { WireStream } from "#wire/streaming-call.ts";
import { type CallOn, plain, statusOf } from "./call-driver.ts";
import type { OpenWorkload } from "./cluster-workload.ts";
import type { Head } from "./order-calls.ts";

export const watchers = 8;
/** As many as one WatchStock takes. Each call is of a product of its own while it is under way, by which its events are told from others'. */
const mostProducts = 1000;
const beginAttempts = 20;
const beginPatienceMs = 1_000;

interface Waiting {
  readonly told: Set<WireStream>;
  readonly end: (status: number) => void;
}

/** Resolves when every stream has told of a change; rejects when they do not in 20 attempts of a second. */
export async function openFanOut(
  head: Head,
  connections: readonly WireConnection[],
  productIds: readonly string[],
): Promise<OpenWorkload> {
  const watched = productIds.slice(0, mostProducts);
  const waiting = new Map<string, Waiting>();
  const stopping = new AbortController();
  const open = Array.from({ length: watchers }, async (_, i) => {
    const connection = connections[i % connections.length];
    if (connection === undefined) throw new RangeError("a fan-out needs a connection");
    return watch(connection, head, watched, stopping.signal);
  });
  const streams = await Promise.all(open);
  // A stream that ends leaves its calls unanswered, which is what the run then counts.
  const following = Promise.all(streams.map((stream) => follow(stream, waiting)));
  const call = (index: number) => receive(head, watched[index % watched.length] ?? "", waiting);
  const close = () => {
    stopping.abort();
    void following;
  };
  try {
    await untilTold(call, connections);
    return { call, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function watch(
  connection: WireConnection,
  head: Head,
  productIds: readonly string[],
  signal: AbortSignal,
): Promise<WireStream> {
  const stream = await connection.open(
    { ...head, path: "/ecommerce.v1.InventoryService/WatchStock" },
    signal,
  );
  const kinds = [StockEventKind.STOCK_EVENT_KIND_RECEIVED];
  const request = WatchStockRequest.create({ productIds: [...productIds], kinds });
  await stream.send(WatchStockRequest.encode(request).finish());
  stream.end();
  return stream;
}

async function follow(stream: WireStream, waiting: ReadonlyMap<string, Waiting>): Promise<void> {
  for await (const { bytes, compressed } of stream.messages) {
    if (bytes === undefined) continue;
    const { event } = WatchStockResponse.decode(plain(bytes, compressed));
    if (event?.$case !== "update") continue;
    const call = waiting.get(event.value.stock?.productId ?? "");
    if (call === undefined) continue;
    call.told.add(stream);
    if (call.told.size === watchers) call.end(GrpcStatus.OK);
  }
}

function receive(head: Head, productId: string, waiting: Map<string, Waiting>): CallOn {
  return (connection, onDone) => {
    const own: Waiting = {
      told: new Set(),
      end(status) {
        if (waiting.get(productId) !== own) return;
        waiting.delete(productId);
        onDone(status);
      },
    };
    waiting.set(productId, own);
    const items = [{ productId, quantity: 1n }];
    const request = { items, reference: "fan-out", requestId: uuidV7() };
    const message = ReceiveStockRequest.encode(request).finish();
    const path = "/ecommerce.v1.InventoryService/ReceiveStock";
    connection.unary(connection.prepare({ ...head, path, message }), (result) => {
      const status = statusOf(result);
      if (status !== GrpcStatus.OK) own.end(status);
    });
  };
}

/** A stream tells of changes from when it began, which nothing but a change makes known. */
async function untilTold(
  call: (index: number) => CallOn,
  connections: readonly WireConnection[],
): Promise<void> {
  const [connection] = connections;
  if (connection === undefined) throw new RangeError("a fan-out needs a connection");
  let status = noStatus;
  for (let attempt = 0; attempt < beginAttempts; attempt++) {
    const ended = Promise.withResolvers<number>();
    call(attempt)(connection, ended.resolve);
    const timer = setTimeout(() => ended.resolve(noStatus), beginPatienceMs);
    status = await ended.promise;
    clearTimeout(timer);
    if (status === GrpcStatus.OK) return;
  }
  const how = status === noStatus ? "tell of no change" : `do not begin: status ${status}`;
  throw new Error(`${watchers} streams of WatchStock ${how} in ${beginAttempts} attempts`);
}
