// CreateOrder: an order is stored with the saga that processes it, or not at all; then it is processed here at once if there is room.
// The request id is kept with the order, so there is one order for it, for as long as there is the order.
import type { Call } from "#impl/runtime/call.ts";
import { CreateOrderRequest, type CreateOrderResponse } from "#proto/ecommerce/v1/order_service.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import { recordKeyOf, requestIdReused } from "../shared/request-id.ts";
import { answerTimeMs } from "./answer-time.ts";
import { type Order, OrderStatus } from "./order.ts";
import { callerOf } from "./order-access.ts";
import { insertOrders, type OrderRequest } from "./order-insert.ts";
import { isRejection, OVERRIDE_PRICE, type PreparedOrder, prepareOrders } from "./order-intake.ts";
import { orderMessage } from "./order-message.ts";
import { findByRequest } from "./order-reads.ts";
import { rejectionError } from "./order-rejection.ts";
import type { OrderServiceContext } from "./order-service.ts";
import { isProcessed } from "./order-status.ts";
import { waitForOrder } from "./order-wait.ts";

export async function createOrder(
  context: OrderServiceContext,
  request: CreateOrderRequest,
  call: Call,
): Promise<CreateOrderResponse> {
  const waitMs = millisecondsOf(request.wait) ?? 0;
  // How long to wait is not part of what is ordered.
  const content = CreateOrderRequest.encode({ ...request, requestId: "", wait: undefined }).finish();
  const { fingerprint, requestId } = recordKeyOf({ call, requestId: request.requestId, content });
  const identity = { caller: callerOf(call), requestId, fingerprint };
  // Before anything happens, so that nothing that does is missed.
  const after = waitMs > 0 ? await context.events.head(call.signal) : 0n;
  const stored = await takeOrder(context, request, identity, call);
  if (waitMs === 0) return { order: orderMessage(asStored(stored)) };
  if (isProcessed(stored.status)) return { order: orderMessage(stored) };
  const timeoutMs = answerTimeMs(call, waitMs);
  const wait = { orderId: stored.orderId, after, timeoutMs, signal: call.signal };
  let order = orderMessage(stored);
  await waitForOrder(context, wait, (changed) => {
    order = changed;
    return isProcessed(changed.status);
  });
  return { order };
}

/** The order of this request: stored now, or as it stands when it was stored before. */
async function takeOrder(
  context: OrderServiceContext,
  request: CreateOrderRequest,
  identity: OrderRequest,
  call: Call,
): Promise<Order> {
  const [intake] = await prepareOrders(request.order === undefined ? [] : [request.order], {
    ...context.intake,
    mayOverride: context.access.holds(call, OVERRIDE_PRICE),
    call: { parent: call },
  });
  if (intake === undefined) throw new TypeError("a request without an order came past its rules");
  if (!isRejection(intake)) {
    const stored = await store(context, intake, identity);
    if (stored !== undefined) return stored;
  }
  const { caller, requestId, fingerprint } = identity;
  const known = await findByRequest(context.database.queries, caller, requestId, call.signal);
  if (known === undefined) {
    // Whatever is wrong with it now, an order that was taken before is answered.
    if (isRejection(intake)) throw rejectionError(intake);
    throw new Error(`the order of request ${requestId} was neither stored nor found`);
  }
  if (!Buffer.from(known.fingerprint).equals(fingerprint)) throw requestIdReused(requestId);
  return known.order;
}

/** Undefined when the request has an order. Not given up with the call: what is stored is also processed. */
async function store(
  { database, events, sagas }: OrderServiceContext,
  prepared: PreparedOrder,
  identity: OrderRequest,
): Promise<Order | undefined> {
  const slot = sagas.slot();
  try {
    const extras = { requests: [identity], ...(slot === undefined ? {} : { lease: sagas.lease }) };
    const [order] = await insertOrders(database.queries, [prepared], extras);
    if (order === undefined) return undefined;
    events.committed();
    if (slot === undefined) sagas.wake();
    else void slot.run(newOrderSaga(order), order);
    return order;
  } finally {
    slot?.free();
  }
}

function newOrderSaga({ orderId }: Order) {
  return {
    sagaId: orderId,
    orderId,
    kind: "order",
    step: "",
    undoing: false,
    failure: undefined,
    data: undefined,
    attempts: 0,
  } as const;
}

/** The first answer, whatever has become of the order since. */
function asStored(order: Order): Order {
  return {
    ...order,
    status: OrderStatus.ORDER_STATUS_PENDING,
    failure: undefined,
    lines: order.lines.map((line) => ({
      ...line,
      returnedQuantity: 0n,
      refundedQuantity: 0n,
      refundedMinor: 0n,
    })),
    capturedMinor: 0n,
    refundedMinor: 0n,
    paymentId: undefined,
    reservationId: undefined,
    shipments: [],
    version: 1n,
    updateTime: order.createTime,
  };
}
