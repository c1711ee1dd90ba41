// GatewayService: what its methods need, and where each is. It keeps nothing; all it answers it asks of the services, as a service and for
// whoever called.
import type { ClientOf } from "#impl/client/client.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import { implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import type { AnalyticsServiceDefinition } from "#proto/ecommerce/v1/analytics.ts";
import { GatewayServiceDefinition } from "#proto/ecommerce/v1/gateway.ts";
import type { InventoryServiceDefinition } from "#proto/ecommerce/v1/inventory.ts";
import type { NotificationServiceDefinition } from "#proto/ecommerce/v1/notification_service.ts";
import type { OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import type { PaymentServiceDefinition } from "#proto/ecommerce/v1/payment.ts";
import type { ProductServiceDefinition } from "#proto/ecommerce/v1/product_service.ts";
import type { UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { createCallerAccess } from "./caller-access.ts";
import { checkout } from "./checkout.ts";
import { liveTopics } from "./live-topics.ts";
import { liveUpdates } from "./live-updates.ts";
import { getOrderWithDetails } from "./order-details.ts";
import { createOrderFeed, type OrderFeedLimits } from "./order-feed.ts";
import { streamOrderUpdates } from "./order-updates.ts";
import { createProductCache } from "./product-cache.ts";

export interface GatewayClients {
  readonly orders: ClientOf<OrderServiceDefinition>;
  readonly users: ClientOf<UserServiceDefinition>;
  readonly products: ClientOf<ProductServiceDefinition>;
  readonly payments: ClientOf<PaymentServiceDefinition>;
  readonly notifications: ClientOf<NotificationServiceDefinition>;
  readonly inventory: ClientOf<InventoryServiceDefinition>;
  readonly analytics: ClientOf<AnalyticsServiceDefinition>;
}

export interface GatewayServiceOptions extends GatewayClients {
  readonly schema: Schema;
  /** For resume tokens; of the key that OrderService has. */
  readonly tokens: PageTokens;
  /** False only when authentication is switched off, so that nobody is known: then everyone may do everything. */
  readonly accessChecked: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits?: Partial<OrderFeedLimits>;
}

export interface GatewayService {
  readonly implementation: ServiceImplementation;
  /** Lets go of the stream of orders. To be called when no stream is left. */
  stop(): Promise<void>;
}

export function createGatewayService(options: GatewayServiceOptions): GatewayService {
  const { orders, products, tokens, accessChecked, clock, log, limits } = options;
  const access = createCallerAccess(accessChecked);
  const feed = createOrderFeed({ orders, tokens, clock, log, ...(limits === undefined ? {} : { limits }) });
  const updates = { feed: feed.log, orders, products: createProductCache(products), tokens };
  const topics = liveTopics({ ...options, updates, access });
  return {
    implementation: implement(GatewayServiceDefinition, {
      getOrderWithDetails: (request, call) => getOrderWithDetails({ ...options, access }, request, call),
      checkout: (request, call) => checkout({ ...options, access }, request, call),
      streamOrderUpdates: (request, call) => streamOrderUpdates(updates, request, call),
      liveUpdates: (requests, call) => liveUpdates(requests, topics, call),
    }),
    stop: () => feed.stop(),
  };
}
