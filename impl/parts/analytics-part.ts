import { OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import { PaymentServiceDefinition } from "#proto/ecommerce/v1/payment.ts";
import { repeat } from "../runtime/repeat.ts";
import { createAnalyticsService } from "../services/analytics/analytics-service.ts";
import { analyticsSchema } from "../services/analytics/analytics-tables.ts";
import { startFeedFollower } from "../services/analytics/feed-follower.ts";
import { createOccurrenceStore } from "../services/analytics/occurrence-store.ts";
import { orderFeed } from "../services/analytics/order-feed.ts";
import { paymentFeed } from "../services/analytics/payment-feed.ts";
import { purgeRpcFigures } from "../services/analytics/rpc-figures.ts";
import { migrate } from "../storage/migrations.ts";
import { openSessionLocks } from "../storage/session-locks.ts";
import { openEventLog, retentionOf } from "./event-log.ts";
import type { MakePart } from "./part.ts";

const PURGE_EVERY_MS = 3_600_000;

export const analyticsPart: MakePart = async (context) => {
  const { config, database, databaseUrl, clients, tokens, clock, log, resources } = context;
  const { schema } = analyticsSchema;
  await migrate(database, analyticsSchema);
  const events = await openEventLog(schema, context);
  const locks = openSessionLocks({ url: databaseUrl, log });
  resources.defer(() => locks.close());
  const retentionMs = config.EVENT_RETENTION_HOURS * 3_600_000;
  const store = createOccurrenceStore({ database, events });
  const feeds = [
    orderFeed(clients.of(OrderServiceDefinition)),
    paymentFeed(clients.of(PaymentServiceDefinition)),
  ];
  return {
    service: "ecommerce.v1.AnalyticsService",
    implementation: createAnalyticsService({ database, events, tokens, clock, retentionMs }),
    dependsOn: ["database"],
    work: () => [
      ...feeds.map((feed) => startFeedFollower({ feed, store, locks, clock, log })),
      repeat(
        "purge figures of RPCs",
        PURGE_EVERY_MS,
        (signal) => purgeRpcFigures({ database, clock, retentionMs }, signal),
        { clock, log },
      ),
      retentionOf(schema, context),
    ],
  };
};
