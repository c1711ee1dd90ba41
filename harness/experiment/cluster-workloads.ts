// What is asked of a gateway, made for a shop: reads, pages, checkouts, orders with their details, bulk orders and a fan-out of events.

import { GetOrderWithDetailsRequest, GetOrderWithDetailsResponse } from "#proto/ecommerce/v1/gateway.ts";
import { GrpcStatus } from "#wire/grpc-status.ts";
import type { PreparedRequest } from "#wire/prepared-request.ts";
import { type CallOn, callOf, plain, statusOf } from "./call-driver.ts";
import {
  type ClusterWorkload,
  type ClusterWorkloadId,
  clusterWorkloadFacts,
  type OpenWorkload,
} from "./cluster-workload.ts";
import { openFanOut, watchers } from "./fan-out-calls.ts";
import { bulk, checkout, type Head, headOf } from "./order-calls.ts";
import type { Workload } from "./workload.ts";

export interface ClusterWorkloadSource {
  readonly token: string;
  readonly productIds: readonly string[];
  readonly hotReads: Workload;
  readonly searchPages: Workload;
  /** Of orders that are there; empty where the shop takes none, and then only reads are made. */
  readonly orderIds: readonly string[];
}

const bulkOrders = 10;

export function clusterWorkloads(source: ClusterWorkloadSource): ClusterWorkload[] {
  const { hotReads, searchPages, orderIds } = source;
  const reads = [
    workload("hot-reads", hotReads.description, (index) => prepared(hotReads.request(index))),
    workload("search-pages", searchPages.description, (index) => prepared(searchPages.request(index))),
  ];
  return orderIds.length === 0 ? reads : [...reads, ...ofOrders(source)];
}

function ofOrders({ token, productIds, orderIds }: ClusterWorkloadSource): ClusterWorkload[] {
  const head = headOf(token);
  const product = (index: number) => productIds[index % productIds.length] ?? "";
  return [
    workload(
      "checkout",
      "CreatePaymentMethod, then CreateOrder of one product, over when it is paid",
      (index) => checkout(head, product(index)),
    ),
    workload("order-details", `GetOrderWithDetails of ${orderIds.length} orders, over and over`, (index) =>
      orderDetails(head, orderIds[index % orderIds.length] ?? ""),
    ),
    workload(
      "bulk-orders",
      `${bulkOrders} × CreatePaymentMethod, then ProcessBulkOrders of as many orders of one product, over when all are paid (WatchBulkJob)`,
      (index) =>
        bulk(
          head,
          Array.from({ length: bulkOrders }, (_, i) => product(index * bulkOrders + i)),
        ),
    ),
    {
      ...clusterWorkloadFacts["stream-fan-out"],
      id: "stream-fan-out",
      description: `ReceiveStock of one product, over when ${watchers} standing WatchStock streams have told of it`,
      open: (connections) => openFanOut(head, connections, productIds),
    },
  ];
}

/** One that needs nothing before its first call. */
function workload(
  id: ClusterWorkloadId,
  description: string,
  call: (index: number) => CallOn,
): ClusterWorkload {
  const opened: OpenWorkload = { call, close: () => {} };
  return { ...clusterWorkloadFacts[id], id, description, open: async () => opened };
}

const prepared =
  (request: PreparedRequest): CallOn =>
  (connection, onDone) =>
    void connection.unary(request, (result) => onDone(statusOf(result)));

/** An answer that lacks parts counts as UNAVAILABLE: the gateway gives it where a service behind it fails. */
function orderDetails(head: Head, orderId: string): CallOn {
  const message = GetOrderWithDetailsRequest.encode({ orderId }).finish();
  const path = "/ecommerce.v1.GatewayService/GetOrderWithDetails";
  return callOf(async (connection) => {
    const result = await connection.call({ ...head, path, message });
    const status = statusOf(result);
    if (status !== GrpcStatus.OK || result.message === undefined) return status;
    const { missing } = GetOrderWithDetailsResponse.decode(plain(result.message, result.compressed));
    return missing.length === 0 ? status : GrpcStatus.UNAVAILABLE;
  });
}
