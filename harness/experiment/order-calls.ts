// Orders as calls of an experiment. A call is OK only when every order of it was taken and paid; a status of the order that says otherwise
// counts as FAILED_PRECONDITION, since an answer that refuses is no work that was done.

import { v7 as uuidV7 } from "uuid";
import { noStatus } from "#harness/load/driver.ts";
import { NewOrder, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import {
  BulkAtomicity,
  BulkJobState,
  ProcessBulkOrdersRequest,
  ProcessBulkOrdersResponse,
  WatchBulkJobRequest,
  WatchBulkJobResponse,
} from "#proto/ecommerce/v1/order_bulk.ts";
import { CreateOrderRequest, CreateOrderResponse } from "#proto/ecommerce/v1/order_service.ts";
import { CreatePaymentMethodRequest, CreatePaymentMethodResponse } from "#proto/ecommerce/v1/payment.ts";
import type { WireConnection } from "#wire/connection.ts";
import { GrpcStatus } from "#wire/grpc-status.ts";
import type { MetadataEntry } from "#wire/metadata.ts";
import { type CallOn, callOf, plain, statusOf } from "./call-driver.ts";

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

/** The status that stands for an order that was answered and not paid. */
const failedPrecondition = 9;

export function checkout(head: Head, productId: string): CallOn {
  return callOf(async (connection) => (await placeOrder(connection, head, productId)).status);
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
  const status = statusOf(result);
  if (status !== GrpcStatus.OK || result.message === undefined) return { status, orderId: "" };
  const { order } = CreateOrderResponse.decode(plain(result.message, result.compressed));
  const processed = order?.status === OrderStatus.ORDER_STATUS_PROCESSING;
  return { status: processed ? status : failedPrecondition, orderId: order?.orderId ?? "" };
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
  if (status !== GrpcStatus.OK || !result.message) return { status, token: undefined };
  return {
    status,
    token: CreatePaymentMethodResponse.decode(plain(result.message, result.compressed)).paymentMethodToken,
  };
}

function newOrder(productId: string, paymentMethodToken: string): NewOrder {
  return NewOrder.create({
    guest: { email: "", fullName: "" },
    lines: [{ productId, quantity: 1n, unitPrice: undefined }],
    paymentMethodToken,
    charges: { items: [] },
  });
}

/** `productIds`: of one order each. Over when all of them have been processed; a token pays one order, so each has its own. */
export function bulk(head: Head, productIds: readonly string[]): CallOn {
  return callOf(async (connection) => {
    const paid = await Promise.all(productIds.map(() => paymentToken(connection, head)));
    const tokens = paid.flatMap(({ token }) => token ?? []);
    if (tokens.length < productIds.length)
      return paid.find(({ token }) => token === undefined)?.status ?? noStatus;
    const jobId = uuidV7();
    const sent = await sendJob(connection, head, jobId, productIds, tokens);
    return sent === GrpcStatus.OK ? processedJob(connection, head, jobId, productIds.length) : sent;
  });
}

async function sendJob(
  connection: WireConnection,
  head: Head,
  requestId: string,
  productIds: readonly string[],
  tokens: readonly string[],
): Promise<number> {
  const stream = await connection.open({ ...head, path: "/ecommerce.v1.OrderService/ProcessBulkOrders" });
  const part = (value: ProcessBulkOrdersRequest["part"]) =>
    stream.send(ProcessBulkOrdersRequest.encode({ part: value }).finish());
  const atomicity = BulkAtomicity.BULK_ATOMICITY_PER_ORDER;
  await part({ $case: "header", value: { requestId, atomicity, batchSize: productIds.length } });
  for (const [position, productId] of productIds.entries()) {
    const order = newOrder(productId, tokens[position] ?? "");
    await part({ $case: "order", value: { position: BigInt(position), order } });
  }
  stream.end();
  let rejected = 0;
  for await (const { bytes, compressed } of stream.messages) {
    if (bytes === undefined) continue;
    rejected += ProcessBulkOrdersResponse.decode(plain(bytes, compressed)).rejections.length;
  }
  const { grpcStatus } = await stream.outcome;
  return grpcStatus === GrpcStatus.OK && rejected > 0 ? failedPrecondition : grpcStatus;
}

/** Waits until every order of the job is paid or refused. */
async function processedJob(
  connection: WireConnection,
  head: Head,
  jobId: string,
  orders: number,
): Promise<number> {
  const stream = await connection.open({ ...head, path: "/ecommerce.v1.OrderService/WatchBulkJob" });
  await stream.send(WatchBulkJobRequest.encode(WatchBulkJobRequest.create({ jobId })).finish());
  stream.end();
  let succeeded = 0;
  for await (const { bytes, compressed } of stream.messages) {
    if (bytes === undefined) continue;
    const { event } = WatchBulkJobResponse.decode(plain(bytes, compressed));
    const job = event?.$case === "progress" ? event.value.job : undefined;
    if (job?.state === BulkJobState.BULK_JOB_STATE_COMPLETED) succeeded = Number(job.succeededCount);
  }
  const { grpcStatus } = await stream.outcome;
  return grpcStatus === GrpcStatus.OK && succeeded < orders ? failedPrecondition : grpcStatus;
}
