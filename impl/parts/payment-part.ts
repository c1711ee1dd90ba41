import { join } from "node:path";
import { PaymentServiceDefinition } from "#proto/ecommerce/v1/payment.ts";
import { startProviderProcess } from "../payment-provider/provider-process.ts";
import { repeat } from "../runtime/repeat.ts";
import { createHttpProvider } from "../services/payment/http-provider.ts";
import { createAttempts } from "../services/payment/payment-attempts.ts";
import { createPaymentClaims } from "../services/payment/payment-claims.ts";
import { createPaymentService } from "../services/payment/payment-service.ts";
import { createPaymentStore } from "../services/payment/payment-store.ts";
import { paymentsSchema } from "../services/payment/payment-tables.ts";
import { createProviderEventInbox } from "../services/payment/provider-event-inbox.ts";
import { createProviderEvents } from "../services/payment/provider-events.ts";
import { type Reconciliation, startReconciliation } from "../services/payment/reconciliation.ts";
import { startWebhookReceiver } from "../services/payment/webhook-receiver.ts";
import { migrate } from "../storage/migrations.ts";
import { openEventLog, retentionOf } from "./event-log.ts";
import type { MakePart, PartContext } from "./part.ts";

/** The provider sends no event again after a month. */
const EVENTS_REMEMBERED_MS = 30 * 86_400_000;
const FORGET_EVERY_MS = 3_600_000;

/**
 * For how many timeouts of the provider a transaction belongs to the process that sends it: it is asked for and sent again in two, and as
 * much is to spare.
 */
const LEASE_TIMEOUTS = 4;

export const paymentPart: MakePart = async (context) => {
  const { config, database, clock, log, newId, random, tokens, accessChecked, clients, resources } = context;
  const { schema } = paymentsSchema;
  await migrate(database, paymentsSchema);
  const events = await openEventLog(schema, context);
  const store = createPaymentStore(database, {
    clock,
    events,
    leaseMs: LEASE_TIMEOUTS * config.PAYMENT_PROVIDER_TIMEOUT_MS,
  });
  const webhooks = await startWebhookReceiver({
    client: clients.of(PaymentServiceDefinition),
    host: config.HOST,
    port: config.PAYMENT_WEBHOOK_PORT,
    log,
  });
  resources.defer(() => webhooks.stop());
  const account = await openProviderAccount(context, webhooks.url);
  const provider = createHttpProvider({ ...account, timeoutMs: config.PAYMENT_PROVIDER_TIMEOUT_MS });
  // Made when the work begins, and told of before.
  let reconciliation: Reconciliation | undefined;
  const attempts = createAttempts({
    store,
    provider,
    clock,
    log,
    onUnknown: ({ transactionId }) => reconciliation?.soon(transactionId),
  });
  resources.defer(() => attempts.idle());
  const inbox = createProviderEventInbox(database);
  const secrets = [account.webhookSecret];
  return {
    service: "ecommerce.v1.PaymentService",
    implementation: createPaymentService({
      store,
      provider,
      attempts,
      providerEvents: createProviderEvents({
        store,
        inbox,
        secrets,
        clock,
        log,
        onExpired: () => reconciliation?.wake(),
      }),
      events,
      tokens,
      accessChecked,
      clock,
      newId,
    }),
    dependsOn: ["database"],
    work() {
      const claims = createPaymentClaims(database);
      reconciliation = startReconciliation({ store, claims, provider, clock, random, log });
      const forget = (signal: AbortSignal): Promise<number> =>
        inbox.purge(new Date(clock.now() - EVENTS_REMEMBERED_MS), signal);
      return [
        reconciliation,
        repeat("forget events of the provider", FORGET_EVERY_MS, forget, { clock, log }),
        retentionOf(schema, context),
      ];
    },
  };
};

interface ProviderAccount {
  readonly url: string;
  readonly apiKey: string;
  readonly webhookSecret: string;
}

/** The account that configuration names, else one with a simulated provider, a process of its own on the data directory. */
async function openProviderAccount(
  { config, clock, resources }: PartContext,
  webhookUrl: string,
): Promise<ProviderAccount> {
  const {
    PAYMENT_PROVIDER_URL: url,
    PAYMENT_PROVIDER_API_KEY: apiKey,
    PAYMENT_WEBHOOK_SECRET: webhookSecret,
  } = config;
  if (url !== undefined) return { url, apiKey: apiKey ?? "", webhookSecret: webhookSecret ?? "" };
  const provider = await startProviderProcess({
    dataDir: join(config.DATA_DIR, "payment-provider"),
    clock,
    behavior: { webhooks: { url: webhookUrl } },
  });
  resources.defer(() => provider.stop());
  return provider;
}
