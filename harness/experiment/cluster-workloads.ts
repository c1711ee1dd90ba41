// What is asked of a gateway, as data: reads, pages, checkouts, orders with their details, bulk orders and a fan-out of events. One that the
// system does not answer is left out of the run, with its reason.

import { v7 as uuidV7 } from "uuid";
import { noStatus } from "#harness/load/driver.ts";
import { GetOrderWithDetailsRequest } from "#proto/ecommerce/v1/gateway.ts";
import { ReceiveStockRequest, WatchStockRequest, WatchStockResponse } from "#proto/ecommerce/v1/inventory.ts";
import { NewOrder } from "#proto/ecommerce/v1/order.ts";
import { BulkAtomicity, ProcessBulkOrdersRequest } from "#proto/ecommerce/v1/order_bulk.ts";
import { CreateOrderRequest, CreateOrderResponse } from "#proto/ecommerce/v1/order_service.ts";
import { CreatePaymentMethodRequest, CreatePaymentMethodResponse } from "#proto/ecommerce/v1/payment.ts";
import type { WireConnection } from "#wire/connection.ts";
import type { MetadataEntry } from "#wire/metadata.ts";
import type { PreparedRequest } from "#wire/prepared-request.ts";
import { type CallOn, statusOf } from "./call-driver.ts";
import type { Workload } from "./workload.ts";

export type ClusterWorkloadId =
  | "hot-reads"
  | "search-pages"
  | "checkout"
  | "order-details"
  | "bulk-orders"
  | "stream-fan-out";

export interface OpenWorkload {
  readonly call: (index: number) => CallOn;
  close(): void;
}

export interface ClusterWorkload {
  readonly id: ClusterWorkloadId;
  readonly label: string;
  readonly description: string;
  /** Calls in flight in the closed loop. */
  readonly concurrency: number;
  /** Begins what must be there before the first call, on connections of the arm. */
  open(connections: readonly WireConnection[]): Promise<OpenWorkload>;
}

export interface ClusterWorkloadSource {
  readonly token: string;
  readonly productIds: readonly string[];
  readonly hotReads: Workload;
  readonly searchPages: Workload;
  /** Of orders that are there. */
  readonly orderIds: readonly string[];
}

const watchers = 8;
const bulkOrders = 20;

export function clusterWorkloads(source: ClusterWorkloadSource): ClusterWorkload[] {
  const { productIds, orderIds, hotReads, searchPages } = source;
  const head = headOf(source.token);
  const product = (index: number) => productIds[index % productIds.length] ?? "";
  const stateless = (call: (index: number) => CallOn) => async () => ({ call, close: () => {} });
  return [
    {
      id: "hot-reads",
      label: "hot reads",
      description: hotReads.description,
      concurrency: 32,
      open: stateless((index) => prepared(hotReads.request(index))),
    },
    {
      id: "search-pages",
      label: "16 kB search pages",
      description: searchPages.description,
      concurrency: 16,
      open: stateless((index) => prepared(searchPages.request(index))),
    },
    {
      id: "checkout",
      label: "checkout",
      description:
        "CreatePaymentMethod, then CreateOrder of one product that is waited for until it is processed",
      concurrency: 8,
      open: stateless((index) => checkout(head, product(index))),
    },
    {
      id: "order-details",
      label: "order details",
      description: `GetOrderWithDetails of ${orderIds.length} orders, over and over`,
      concurrency: 16,
      open: stateless((index) => (connection, onDone) => {
        const orderId = orderIds[index % orderIds.length] ?? "";
        const message = GetOrderWithDetailsRequest.encode({ orderId }).finish();
        const path = "/ecommerce.v1.GatewayService/GetOrderWithDetails";
        connection.unary(connection.prepare({ ...head, path, message }), (result) =>
          onDone(statusOf(result)),
        );
      }),
    },
    {
      id: "bulk-orders",
      label: "bulk orders",
      description: `ProcessBulkOrders with ${bulkOrders} orders of one product in one stream, one call each`,
      concurrency: 4,
      open: stateless((index) => bulk(head, (position) => product(index * bulkOrders + position))),
    },
    {
      id: "stream-fan-out",
      label: "stream fan-out",
      description: `ReceiveStock of one product, over when ${watchers} standing WatchStock streams have told of it`,
      concurrency: 4,
      open: (connections) => fanOut(head, connections, productIds),
    },
  ];
}

export interface Head {
  readonly metadata: MetadataEntry[];
  readonly acceptEncoding: string;
}

export function headOf(token: string): Head {
  const metadata: MetadataEntry[] = [
    ["authorization", `Bearer ${token}`],
    ["x-accept-encoding", "gzip"],
  ];
  return { metadata, acceptEncoding: "gzip" };
}

const prepared =
  (request: PreparedRequest): CallOn =>
  (connection, onDone) =>
    void connection.unary(request, (result) => onDone(statusOf(result)));

function checkout(head: Head, productId: string): CallOn {
  return (connection, onDone) => {
    placeOrder(connection, head, productId).then(
      ({ status }) => onDone(status),
      () => onDone(noStatus),
    );
  };
}

/** A card is tokenized and one unit ordered with it; the order has been processed when it resolves. */
export async function placeOrder(
  connection: WireConnection,
  head: Head,
  productId: string,
): Promise<{ readonly status: number; readonly orderId: string }> {
  const paid = await paymentToken(connection, head);
  if (paid.token === undefined) return { status: paid.status, orderId: "" };
  const request = {
    order: newOrder(productId, paid.token),
    requestId: uuidV7(),
    wait: { seconds: 10n, nanos: 0 },
  };
  const result = await connection.call({
    ...head,
    path: "/ecommerce.v1.OrderService/CreateOrder",
    message: CreateOrderRequest.encode(request).finish(),
  });
  const orderId = result.message ? (CreateOrderResponse.decode(result.message).order?.orderId ?? "") : "";
  return { status: statusOf(result), orderId };
}

async function paymentToken(connection: WireConnection, head: Head) {
  const card = {
    cardNumber: "4242424242424242",
    expiryMonth: 12,
    expiryYear: 2099,
    cvc: "123",
    holderName: "A B",
  };
  const result = await connection.call({
    ...head,
    path: "/ecommerce.v1.PaymentService/CreatePaymentMethod",
    message: CreatePaymentMethodRequest.encode({ card, requestId: "" }).finish(),
  });
  const status = statusOf(result);
  if (status !== 0 || !result.message) return { status, token: undefined };
  return { status, token: CreatePaymentMethodResponse.decode(result.message).paymentMethodToken };
}

function newOrder(productId: string, paymentMethodToken: string): NewOrder {
  return NewOrder.create({
    guest: { email: "", fullName: "" },
    lines: [{ productId, quantity: 1n, unitPrice: undefined }],
    paymentMethodToken,
    charges: { items: [] },
  });
}

function bulk(head: Head, productAt: (position: number) => string): CallOn {
  const send = async (connection: WireConnection): Promise<number> => {
    const paid = await paymentToken(connection, head);
    if (paid.token === undefined) return paid.status;
    const stream = await connection.open({ ...head, path: "/ecommerce.v1.OrderService/ProcessBulkOrders" });
    const part = (value: ProcessBulkOrdersRequest["part"]) =>
      stream.send(ProcessBulkOrdersRequest.encode({ part: value }).finish());
    await part({
      $case: "header",
      value: {
        requestId: uuidV7(),
        atomicity: BulkAtomicity.BULK_ATOMICITY_PER_ORDER,
        batchSize: bulkOrders,
      },
    });
    for (let position = 0; position < bulkOrders; position++) {
      const order = newOrder(productAt(position), paid.token);
      await part({ $case: "order", value: { position: BigInt(position), order } });
    }
    stream.end();
    for await (const _ of stream.messages);
    return (await stream.outcome).grpcStatus;
  };
  return (connection, onDone) => {
    send(connection).then(onDone, () => onDone(noStatus));
  };
}

/** Each call is of a product of its own while it is under way, by which its events are told from those of others. */
async function fanOut(
  head: Head,
  connections: readonly WireConnection[],
  productIds: readonly string[],
): Promise<OpenWorkload> {
  const waiting = new Map<string, { left: number; readonly done: () => void }>();
  const stopping = new AbortController();
  const watch = async (connection: WireConnection): Promise<void> => {
    const stream = await connection.open(
      { ...head, path: "/ecommerce.v1.InventoryService/WatchStock" },
      stopping.signal,
    );
    void stream.send(
      WatchStockRequest.encode(WatchStockRequest.create({ productIds: productIds.slice(0, 1000) })).finish(),
    );
    stream.end();
    for await (const { bytes } of stream.messages) {
      const { event } = bytes === undefined ? { event: undefined } : WatchStockResponse.decode(bytes);
      if (event?.$case !== "update") continue;
      const call = waiting.get(event.value.stock?.productId ?? "");
      if (call === undefined) continue;
      call.left -= 1;
      if (call.left === 0) call.done();
    }
  };
  for (let i = 0; i < watchers; i++) {
    const connection = connections[i % connections.length];
    if (connection) watch(connection).catch(() => {});
  }
  return {
    close: () => stopping.abort(),
    call: (index) => (connection, onDone) => {
      const productId = productIds[index % Math.min(productIds.length, 1000)] ?? "";
      let over = false;
      const end = (status: number) => {
        if (over) return;
        over = true;
        waiting.delete(productId);
        onDone(status);
      };
      waiting.set(productId, { left: watchers, done: () => end(0) });
      const items = [{ productId, quantity: 1n }];
      const message = ReceiveStockRequest.encode({
        items,
        reference: "fan-out",
        requestId: uuidV7(),
      }).finish();
      const path = "/ecommerce.v1.InventoryService/ReceiveStock";
      connection.unary(connection.prepare({ ...head, path, message }), (result) => {
        if (statusOf(result) !== 0) end(statusOf(result));
      });
    },
  };
}
