import { AnalyticsServiceDefinition } from "#proto/ecommerce/v1/analytics.ts";
import { InventoryServiceDefinition } from "#proto/ecommerce/v1/inventory.ts";
import { NotificationServiceDefinition } from "#proto/ecommerce/v1/notification_service.ts";
import { OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import { PaymentServiceDefinition } from "#proto/ecommerce/v1/payment.ts";
import { ProductServiceDefinition } from "#proto/ecommerce/v1/product_service.ts";
import { UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { createGatewayService } from "../services/gateway/gateway-service.ts";
import type { MakePart } from "./part.ts";

export const gatewayPart: MakePart = async (context) => {
  const { schema, clients, tokens, accessChecked, clock, log, resources } = context;
  const service = createGatewayService({
    orders: clients.of(OrderServiceDefinition),
    users: clients.of(UserServiceDefinition),
    products: clients.of(ProductServiceDefinition),
    payments: clients.of(PaymentServiceDefinition),
    notifications: clients.of(NotificationServiceDefinition),
    inventory: clients.of(InventoryServiceDefinition),
    analytics: clients.of(AnalyticsServiceDefinition),
    schema,
    tokens,
    accessChecked,
    clock,
    log,
  });
  resources.defer(() => service.stop());
  return {
    service: "ecommerce.v1.GatewayService",
    implementation: service.implementation,
    dependsOn: [],
  };
};
