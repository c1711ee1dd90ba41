import { UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { openWebhookSecretKey } from "../open-keys.ts";
import { createAddressPolicy } from "../services/notification/address-policy.ts";
import { createDeliverySignals } from "../services/notification/delivery-signals.ts";
import { createNotificationService } from "../services/notification/notification-service.ts";
import { createNotificationStore } from "../services/notification/notification-store.ts";
import { notificationsSchema } from "../services/notification/notification-tables.ts";
import { startDelivery } from "../services/notification/start-delivery.ts";
import { createSecretBox } from "../services/shared/secret-box.ts";
import { migrate } from "../storage/migrations.ts";
import { openEventLog, retentionOf } from "./event-log.ts";
import type { MakePart } from "./part.ts";
import { purgeOf } from "./purge.ts";

export const notificationPart: MakePart = async (context) => {
  const { config, schema, database, clients, tokens, accessChecked, clock, newId, random, log } = context;
  await migrate(database, notificationsSchema);
  const events = await openEventLog(notificationsSchema.schema, context);
  const store = createNotificationStore(database, { clock, events });
  const signals = createDeliverySignals(clock);
  const secrets = createSecretBox([await openWebhookSecretKey(config)]);
  const addresses = createAddressPolicy(
    config.WEBHOOK_ALLOWED_NETWORKS.split(",").filter((network) => network !== ""),
  );
  const { SMTP_URL: smtpUrl, SMTP_FROM: from } = config;
  return {
    service: "ecommerce.v1.NotificationService",
    implementation: createNotificationService({
      store,
      events,
      schema,
      newId,
      clock,
      tokens,
      users: clients.of(UserServiceDefinition),
      secrets,
      addresses,
      signals,
      accessChecked,
    }),
    dependsOn: ["database"],
    work: () => [
      startDelivery({
        database,
        store,
        events,
        signals,
        secrets,
        addresses,
        clock,
        random,
        log,
        email: smtpUrl === undefined ? undefined : { smtpUrl, from },
      }),
      purgeOf(store, context),
      retentionOf(notificationsSchema.schema, context),
    ],
  };
};
