// GetOrderWithDetails: the order, then all that belongs to it at once, each part with a time of its own.
import type { Call } from "#impl/runtime/call.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import {
  type GetOrderWithDetailsRequest,
  type GetOrderWithDetailsResponse,
  type MissingPart,
  OrderPart,
} from "#proto/ecommerce/v1/gateway.ts";
import type { Order } from "#proto/ecommerce/v1/order.ts";
import { GetUserRequest } from "#proto/ecommerce/v1/user.ts";
import type { Status } from "#proto/google/rpc/status.ts";
import { partStatus, toCaller } from "./callee-status.ts";
import type { CallerAccess } from "./caller-access.ts";
import type { GatewayClients } from "./gateway-service.ts";
import { lookUp, partsOf, productIdsOf } from "./product-parts.ts";

export interface OrderDetailsNeeds
  extends Pick<GatewayClients, "orders" | "users" | "products" | "payments"> {
  readonly access: CallerAccess;
}

const ORDER_TYPE = "ecommerce.v1.Order";
const PART_DEADLINE_MS = 1_500;
/** What is left of the call's time for the answer itself. */
const MARGIN_MS = 100;
const OF_THE_ORDER: ReadonlySet<Code> = new Set([Code.NOT_FOUND, Code.DEADLINE_EXCEEDED]);

interface Part<T> {
  readonly value?: T | undefined;
  readonly missing?: MissingPart;
}

export async function getOrderWithDetails(
  needs: OrderDetailsNeeds,
  { orderId }: GetOrderWithDetailsRequest,
  call: Call,
): Promise<GetOrderWithDetailsResponse> {
  const { order } = await needs.orders.getOrder({ orderId }, { parent: call }).catch((error: unknown) => {
    throw toCaller(error, OF_THE_ORDER);
  });
  if (order === undefined || !needs.access.allows(call.principal, "orders.read", order.userId)) {
    throw notFound(ORDER_TYPE, orderId);
  }
  const deadlineMs = Math.max(1, Math.min(PART_DEADLINE_MS, call.remainingMs - MARGIN_MS));
  const options = { parent: call, deadlineMs };
  const [user, products, payment] = await Promise.all([
    partOf(
      OrderPart.ORDER_PART_USER,
      order.userId,
      allowed(needs, call, order, "users.read"),
      async (userId) => {
        return (await needs.users.getUser(GetUserRequest.fromPartial({ userId }), options)).user;
      },
    ),
    lookUp(needs.products, productIdsOf(order), options).then(partsOf),
    partOf(
      OrderPart.ORDER_PART_PAYMENT,
      order.paymentId,
      allowed(needs, call, order, "payments.read"),
      async (paymentId) => (await needs.payments.getPayment({ paymentId }, options)).payment,
    ),
  ]);
  const missing = [user.missing, ...products.missing, payment.missing].filter((part) => part !== undefined);
  return { order, user: user.value, products: products.products, payment: payment.value, missing };
}

function allowed({ access }: OrderDetailsNeeds, { principal }: Call, { userId }: Order, permission: string) {
  return access.allows(principal, permission, userId) ? undefined : denied(permission);
}

function denied(permission: string): Status {
  return { code: Code.PERMISSION_DENIED, message: `the caller lacks ${permission}`, details: [] };
}

/** Nothing for an order that has no such part, which its empty id tells. */
async function partOf<T>(
  part: OrderPart,
  id: string,
  refused: Status | undefined,
  read: (id: string) => Promise<T | undefined>,
): Promise<Part<T>> {
  if (id === "") return {};
  if (refused !== undefined) return { missing: { part, error: refused, productIds: [] } };
  try {
    return { value: await read(id) };
  } catch (error) {
    return { missing: { part, error: partStatus(error), productIds: [] } };
  }
}
