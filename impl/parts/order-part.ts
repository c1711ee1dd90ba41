import { InventoryServiceDefinition } from "#proto/ecommerce/v1/inventory.ts";
import { NotificationServiceDefinition } from "#proto/ecommerce/v1/notification_service.ts";
import { PaymentServiceDefinition } from "#proto/ecommerce/v1/payment.ts";
import { ProductServiceDefinition } from "#proto/ecommerce/v1/product_service.ts";
import { startBulkOutcomes } from "../services/order/bulk/bulk-outcomes.ts";
import { ordersSchema } from "../services/order/order-row.ts";
import { createOrderService } from "../services/order/order-service.ts";
import { createPricing } from "../services/order/pricing.ts";
import { createSagas } from "../services/order/sagas.ts";
import { migrate } from "../storage/migrations.ts";
import { openSessionLocks } from "../storage/session-locks.ts";
import { openEventLog, retentionOf } from "./event-log.ts";
import type { MakePart } from "./part.ts";
import { purgeOf } from "./purge.ts";

export const orderPart: MakePart = async (context) => {
  const { schema, database, clients, tokens, accessChecked, clock, newId, random, log } = context;
  await migrate(database, ordersSchema);
  const events = await openEventLog(ordersSchema.schema, context);
  const locks = openSessionLocks({ url: context.databaseUrl, log });
  context.resources.defer(() => locks.close());
  const sagas = createSagas({
    database,
    events,
    inventory: clients.of(InventoryServiceDefinition),
    payments: clients.of(PaymentServiceDefinition),
    notifications: clients.of(NotificationServiceDefinition),
    limits: { leaseMs: context.config.ORDER_LEASE_MS },
    clock,
    random,
    newId,
    log,
  });
  const service = createOrderService({
    database,
    locks,
    events,
    sagas,
    products: clients.of(ProductServiceDefinition),
    pricing: createPricing(),
    schema,
    tokens,
    clock,
    newId,
    accessChecked,
  });
  return {
    service: "ecommerce.v1.OrderService",
    implementation: service.implementation,
    dependsOn: ["database"],
    work() {
      sagas.start();
      return [
        sagas,
        startBulkOutcomes({ database, clock, log }),
        purgeOf(service, context),
        retentionOf(ordersSchema.schema, context),
      ];
    },
  };
};
