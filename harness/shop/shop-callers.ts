// The services that a replay calls, each as whoever may call it.

import { type ServiceCaller, serviceCaller } from "#harness/rpc/service-caller.ts";
import { InventoryServiceDefinition } from "#proto/ecommerce/v1/inventory.ts";
import { OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import { PaymentServiceDefinition } from "#proto/ecommerce/v1/payment.ts";
import type { WireConnection } from "#wire/connection.ts";

export interface ShopCallers {
  readonly orders: ServiceCaller<OrderServiceDefinition>;
  readonly payments: ServiceCaller<PaymentServiceDefinition>;
  readonly inventory: ServiceCaller<InventoryServiceDefinition>;
}

/** What whoever drives a whole shop must be allowed to. */
export const OPERATOR_PERMISSIONS: readonly string[] = [
  "products.write",
  "users.read",
  "inventory.read",
  "inventory.write",
  "orders.write",
  "orders.read",
  "orders.refund",
  "orders.override_price",
  "payments.read",
];

export function shopCallers(
  connection: WireConnection,
  token: string,
  signal: AbortSignal,
  timeoutMs = 60_000,
): ShopCallers {
  const options = { token, signal, timeoutMs };
  return {
    orders: serviceCaller(OrderServiceDefinition, connection, options),
    payments: serviceCaller(PaymentServiceDefinition, connection, options),
    inventory: serviceCaller(InventoryServiceDefinition, connection, options),
  };
}
