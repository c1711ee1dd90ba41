// Everything that delivers notifications in this process, and the purge of old ones. Any number of processes may do it at once. A process
// without an SMTP server leaves e-mail in the queue: for another process, or for the day that one is configured.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Random } from "#impl/runtime/ids.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { repeat } from "#impl/runtime/repeat.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import type { SecretBox } from "../shared/secret-box.ts";
import type { AddressPolicy } from "./address-policy.ts";
import { exponentialBackoff, STANDARD_WEBHOOKS_SCHEDULE, scheduledBackoff } from "./backoff.ts";
import { startChannelWorker } from "./channel-worker.ts";
import { createDeliveryQueue } from "./delivery-queue.ts";
import type { DeliverySignals } from "./delivery-signals.ts";
import { createEmailSender } from "./email-sender.ts";
import { createInAppDelivery } from "./in-app-delivery.ts";
import { NotificationChannel } from "./notification.ts";
import type { NotificationStore } from "./notification-store.ts";
import { createWebhookPosts } from "./webhook-post.ts";
import { createWebhookSender } from "./webhook-sender.ts";
import { type Stoppable, startWorkLoop } from "./work-loop.ts";

export interface DeliveryOptions {
  readonly database: Database<unknown>;
  readonly store: NotificationStore;
  readonly events: EventLog;
  /** Those that the service of this process tells of what it queued. */
  readonly signals: DeliverySignals;
  readonly secrets: SecretBox;
  readonly addresses: AddressPolicy;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Undefined when there is no SMTP server. See EmailSenderOptions. */
  readonly email: { readonly smtpUrl: string; readonly from: string } | undefined;
  /** Certificates (PEM) of webhook receivers to trust beside the usual ones. */
  readonly webhookCa?: string;
  readonly limits?: Partial<DeliveryLimits>;
}

export interface DeliveryLimits {
  /** E-mails at a time, each over a connection of its own. Default 4. */
  readonly emailConcurrency: number;
  /** Default 30 s. */
  readonly emailTimeoutMs: number;
  /** Default 16, which is a little more than a day ... */
  readonly emailAttempts: number;
  /** ... with at most this after the first one, doubling from one to the next. Default 30 s. */
  readonly emailFirstRetryMs: number;
  /** Default 4 h. */
  readonly emailLongestRetryMs: number;
  /** Posts at a time. Default 16. */
  readonly webhookConcurrency: number;
  /** Default 15 s. */
  readonly webhookTimeoutMs: number;
  /** Multiplies the delays of the Standard Webhooks schedule. Default 1. */
  readonly webhookRetryScale: number;
  /** How often it looks for what other processes queued and what has become due. Default 1 s. */
  readonly pollMs: number;
  /** What attempts under way are given to finish when it stops. Default 5 s. */
  readonly stopGraceMs: number;
}

export const DEFAULT_DELIVERY_LIMITS: DeliveryLimits = {
  emailConcurrency: 4,
  emailTimeoutMs: 30_000,
  emailAttempts: 16,
  emailFirstRetryMs: 30_000,
  emailLongestRetryMs: 4 * 3_600_000,
  webhookConcurrency: 16,
  webhookTimeoutMs: 15_000,
  webhookRetryScale: 1,
  pollMs: 1_000,
  stopGraceMs: 5_000,
};

const PURGE_EVERY_MS = 3_600_000;

/** Throws on an option that breaks its rule. */
export function startDelivery(options: DeliveryOptions): Stoppable {
  const limits = { ...DEFAULT_DELIVERY_LIMITS, ...options.limits };
  for (const [name, value] of Object.entries(limits)) {
    if (!(value > 0)) throw new RangeError(`delivery ${name} ${value}: must be above 0`);
  }
  const { store, clock, log } = options;
  // E-mail first: it is the one whose options can be wrong.
  const parts = [
    ...startEmail(options, limits),
    startWebhooks(options, limits),
    startInApp(options, limits),
    repeat("purge notifications", PURGE_EVERY_MS, store.purgeNotifications, { clock, log }),
  ];
  return {
    async stop() {
      await Promise.all(parts.map((part) => part.stop()));
    },
  };
}

function startEmail(options: DeliveryOptions, limits: DeliveryLimits): readonly Stoppable[] {
  const { database, signals, clock, random, log, email } = options;
  if (email === undefined) {
    log.warn({}, "no SMTP server is configured: e-mails stay in the queue");
    return [];
  }
  const sender = createEmailSender({ ...email, maxConnections: limits.emailConcurrency });
  const worker = startChannelWorker({
    ...limits,
    channel: NotificationChannel.NOTIFICATION_CHANNEL_EMAIL,
    queue: createDeliveryQueue(database, clock),
    send: sender.send,
    retry: exponentialBackoff({
      firstMs: limits.emailFirstRetryMs,
      longestMs: limits.emailLongestRetryMs,
      maxAttempts: limits.emailAttempts,
      random,
    }),
    concurrency: limits.emailConcurrency,
    timeoutMs: limits.emailTimeoutMs,
    wakeUp: signals.of(NotificationChannel.NOTIFICATION_CHANNEL_EMAIL),
    clock,
    log,
  });
  return [thenClose(worker, sender)];
}

function startWebhooks(options: DeliveryOptions, limits: DeliveryLimits): Stoppable {
  const { database, store, signals, secrets, addresses, clock, random, log, webhookCa } = options;
  const posts = createWebhookPosts({
    addresses,
    maxConnections: limits.webhookConcurrency,
    ...(webhookCa === undefined ? {} : { ca: webhookCa }),
  });
  const worker = startChannelWorker({
    ...limits,
    channel: NotificationChannel.NOTIFICATION_CHANNEL_WEBHOOK,
    queue: createDeliveryQueue(database, clock),
    send: createWebhookSender({ endpoints: store.endpoints, secrets, posts, clock }),
    retry: scheduledBackoff({
      schedule: STANDARD_WEBHOOKS_SCHEDULE,
      scale: limits.webhookRetryScale,
      random,
    }),
    concurrency: limits.webhookConcurrency,
    timeoutMs: limits.webhookTimeoutMs,
    wakeUp: signals.of(NotificationChannel.NOTIFICATION_CHANNEL_WEBHOOK),
    clock,
    log,
  });
  return thenClose(worker, posts);
}

function startInApp(options: DeliveryOptions, { pollMs }: DeliveryLimits): Stoppable {
  const { database, events, signals, clock, log } = options;
  return startWorkLoop({
    name: "in-app notifications",
    step: createInAppDelivery({ database, events, clock }),
    wakeUp: signals.of(NotificationChannel.NOTIFICATION_CHANNEL_IN_APP),
    pollMs,
    log,
  });
}

function thenClose(worker: Stoppable, connections: { close(): void }): Stoppable {
  return {
    async stop() {
      await worker.stop();
      connections.close();
    },
  };
}
