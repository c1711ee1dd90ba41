// Checkout: the card becomes a token, the order is created with it, and its processing waited for. Nothing is kept here. Both steps are
// asked for under one id that is made of the caller and the request id, so a repeat, whatever was lost before it, finds the first token and
// the first order. The card passes through and leaves nothing behind.
import { hash } from "node:crypto";
import { CallError } from "#impl/client/call-error.ts";
import type { Call } from "#impl/runtime/call.ts";
import { failedPrecondition, permissionDenied } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import type { CheckoutRequest, CheckoutResponse } from "#proto/ecommerce/v1/gateway.ts";
import { type Order, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import { CreateOrderRequest } from "#proto/ecommerce/v1/order_service.ts";
import type { Payment, PaymentSource } from "#proto/ecommerce/v1/payment.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import { requestIdReused } from "../shared/request-id.ts";
import { toCaller } from "./callee-status.ts";
import type { CallerAccess } from "./caller-access.ts";
import type { GatewayClients } from "./gateway-service.ts";

export interface CheckoutNeeds extends Pick<GatewayClients, "orders" | "payments"> {
  readonly access: CallerAccess;
}

const DEFAULT_WAIT_MS = 10_000;
/** The longest that CreateOrder waits. */
const MAX_ORDER_WAIT_MS = 10_000;
/** What is left of the call's time for the payment and the answer. */
const MARGIN_MS = 500;

export async function checkout(
  needs: CheckoutNeeds,
  { order, payment, requestId, wait }: CheckoutRequest,
  call: Call,
): Promise<CheckoutResponse> {
  const userId = order?.userId ?? "";
  if (userId !== "" && !needs.access.allows(call.principal, "orders.write", userId)) {
    throw permissionDenied(["orders.write"]);
  }
  const derivedId = idFor(call, requestId);
  try {
    const paymentMethodToken = await tokenOf(needs, payment, derivedId, call);
    const request = CreateOrderRequest.fromPartial({
      requestId: derivedId,
      order: { ...order, paymentMethodToken },
    });
    const taken = await processed(needs, request, millisecondsOf(wait) ?? DEFAULT_WAIT_MS, call);
    refuseFailed(taken);
    return { order: taken, payment: await paymentOf(needs, taken, call) };
  } catch (error) {
    if (error instanceof CallError && error.code === Code.ALREADY_EXISTS) throw requestIdReused(requestId);
    throw toCaller(error, TO_CALLER);
  }
}

const TO_CALLER: ReadonlySet<Code> = new Set([
  Code.FAILED_PRECONDITION,
  Code.INVALID_ARGUMENT,
  Code.PERMISSION_DENIED,
  Code.DEADLINE_EXCEEDED,
]);

/** A UUID. Callers do not share it: they are all one caller to the services. */
function idFor({ principal }: Call, requestId: string): string {
  const caller = principal?.userId ?? "";
  const digest = hash("sha256", `checkout\n${caller}\n${requestId.toLowerCase()}`, "hex");
  // Version 8: bits of one's own.
  const variant = ((Number.parseInt(digest.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `${variant}${digest.slice(18, 20)}`,
    digest.slice(20, 32),
  ].join("-");
}

async function tokenOf(
  { payments }: CheckoutNeeds,
  payment: PaymentSource | undefined,
  requestId: string,
  call: Call,
): Promise<string> {
  const source = payment?.source;
  if (source === undefined) throw new TypeError("a checkout without a payment came past its rules");
  if (source.$case === "paymentMethodToken") return source.value;
  return (await payments.createPaymentMethod({ card: source.value, requestId }, { parent: call }))
    .paymentMethodToken;
}

/** The order once it is processed, or as it stands when the time is over: a repeat waits for the order of the first. */
async function processed(
  { orders }: CheckoutNeeds,
  request: CreateOrderRequest,
  waitMs: number,
  call: Call,
): Promise<Order> {
  const { clock } = call.environment;
  const until = clock.monotonic() + Math.min(waitMs, call.remainingMs - MARGIN_MS);
  for (;;) {
    const leftMs = Math.max(0, Math.trunc(until - clock.monotonic()));
    const stepMs = Math.min(leftMs, MAX_ORDER_WAIT_MS);
    const { order } = await orders.createOrder({ ...request, wait: durationOf(stepMs) }, { parent: call });
    if (order === undefined) throw new TypeError("OrderService answered without an order");
    if (stepMs === leftMs || !IN_PROCESS.has(order.status)) return order;
  }
}

const durationOf = (ms: number) => ({
  seconds: BigInt(Math.trunc(ms / 1_000)),
  nanos: (ms % 1_000) * 1_000_000,
});

const IN_PROCESS: ReadonlySet<OrderStatus> = new Set<OrderStatus>([
  OrderStatus.ORDER_STATUS_PENDING,
  OrderStatus.ORDER_STATUS_RESERVING,
  OrderStatus.ORDER_STATUS_AUTHORIZING,
  OrderStatus.ORDER_STATUS_CONFIRMED,
  OrderStatus.ORDER_STATUS_CAPTURING,
  OrderStatus.ORDER_STATUS_CANCELLING,
]);

const REFUSED: ReadonlySet<OrderStatus> = new Set<OrderStatus>([
  OrderStatus.ORDER_STATUS_PAYMENT_FAILED,
  OrderStatus.ORDER_STATUS_OUT_OF_STOCK,
]);

function refuseFailed({ orderId, status, failure }: Order): void {
  if (!REFUSED.has(status)) return;
  const { reason = "ORDER_FAILED", message = "the order did not go through" } = failure ?? {};
  throw failedPrecondition(reason, `order/${orderId}`, message);
}

/** Absent when PaymentService does not answer: the order is taken all the same. */
async function paymentOf(
  { payments }: CheckoutNeeds,
  { paymentId }: Order,
  call: Call,
): Promise<Payment | undefined> {
  if (paymentId === "") return undefined;
  try {
    return (await payments.getPayment({ paymentId }, { parent: call })).payment;
  } catch (error) {
    call.log.warn({ err: error, paymentId }, "the payment of a checkout could not be read");
    return undefined;
  }
}
