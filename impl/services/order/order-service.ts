// OrderService: what its methods need, and where each is. Orders are changed by these methods and by their sagas, and by nothing else.
import type { Clock } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import { implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import type { SessionLocks } from "#impl/storage/session-locks.ts";
import { OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { createRequestIds, type RequestIds } from "../shared/request-id.ts";
import { type BulkOrderOptions, bulkOrderHandlers } from "./bulk/bulk-handlers.ts";
import { cancelOrder } from "./cancel-order.ts";
import type { ProductClient } from "./catalogue-lookup.ts";
import { createOrder } from "./create-order.ts";
import { fulfilmentHandlers } from "./fulfilment.ts";
import { listOrders } from "./list-orders.ts";
import { createOrderAccess, type OrderAccess } from "./order-access.ts";
import type { IntakeContext } from "./order-intake.ts";
import { orderMessage } from "./order-message.ts";
import { findOrder } from "./order-reads.ts";
import { ordersSchema } from "./order-row.ts";
import type { Pricing } from "./pricing.ts";
import { refundOrder } from "./refund-order.ts";
import { returnHandlers } from "./returns.ts";
import type { Sagas } from "./sagas.ts";
import { orderStreams } from "./track-orders.ts";

export interface OrderServiceOptions {
  readonly database: Database<unknown>;
  /** Of the same database; for bulk jobs. */
  readonly locks: SessionLocks;
  /** The log of orders. */
  readonly events: EventLog;
  /** Of the same database and log. Where they are not started, another process does their work. */
  readonly sagas: Sagas;
  readonly products: ProductClient;
  readonly pricing: Pricing;
  readonly schema: Schema;
  /** For page and resume tokens. */
  readonly tokens: PageTokens;
  readonly clock: Clock;
  readonly newId: NewId;
  /** False only when authentication is switched off, so that nobody is known: then everyone may do everything. */
  readonly accessChecked: boolean;
  /** How long the request ids of changes are remembered; those of new orders and refunds always. Default 24 h, which is also the least. */
  readonly requestIdRetentionMs?: number;
  readonly bulk?: Pick<BulkOrderOptions, "limits" | "takeoverWaitMs" | "pollMs">;
}

/** What the methods share. */
export interface OrderServiceContext {
  readonly database: Database<unknown>;
  readonly events: EventLog;
  readonly sagas: Sagas;
  readonly intake: Pick<IntakeContext, "products" | "pricing" | "clock" | "newId">;
  readonly access: OrderAccess;
  readonly requestIds: RequestIds<unknown>;
  readonly tokens: PageTokens;
  readonly clock: Clock;
}

export interface OrderService {
  readonly implementation: ServiceImplementation;
  /** Forgets the request ids that are older than the retention; how many. */
  purgeRequestIds(signal?: AbortSignal): Promise<number>;
}

export function createOrderService(options: OrderServiceOptions): OrderService {
  const { database, events, sagas, products, pricing, tokens, clock, newId, accessChecked } = options;
  const retention = options.requestIdRetentionMs;
  const requestIds = createRequestIds(database, {
    schema: ordersSchema.schema,
    clock,
    ...(retention === undefined ? {} : { retentionMs: retention }),
  });
  const access = createOrderAccess(accessChecked);
  const intake = { products, pricing, clock, newId };
  const context: OrderServiceContext = { database, events, sagas, intake, access, requestIds, tokens, clock };
  const implementation = implement(OrderServiceDefinition, {
    createOrder: (request, call) => createOrder(context, request, call),
    async getOrder({ orderId }, call) {
      const order = await findOrder(database.queries, orderId, call.signal);
      return { order: orderMessage(access.require(order, orderId, call, "orders.read")) };
    },
    listOrders: (request, call) => listOrders(context, request, call),
    cancelOrder: (request, call) => cancelOrder(context, request, call),
    refundOrder: (request, call) => refundOrder(context, request, call),
    ...fulfilmentHandlers(context),
    ...returnHandlers(context),
    ...orderStreams(context),
    ...bulkOrderHandlers({
      database,
      locks: options.locks,
      events,
      schema: options.schema,
      intake,
      tokens,
      clock,
      wakeSagas: sagas.wake,
      accessChecked,
      ...options.bulk,
    }),
  });
  return { implementation, purgeRequestIds: requestIds.purge };
}
