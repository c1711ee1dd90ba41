// A notification service and the user service that it asks, on a database of their own, called over the wire as anyone the test likes,
// behind the checks of access and of field rules that they rely on. Time is the test's.

import { Client, credentials } from "@grpc/grpc-js";
import { afterAll } from "vitest";
import { type CallOptions, type ClientContext, type ClientOf, createClient } from "#impl/client/client.ts";
import { present } from "#impl/client/testing/answers.ts";
import { authorize } from "#impl/middleware/authorize.ts";
import { validate } from "#impl/middleware/validate.ts";
import { noAudit } from "#impl/observability/audit.ts";
import { type ManualClock, manualClock } from "#impl/observability/testing/manual-clock.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { newId } from "#impl/runtime/ids.ts";
import {
  ecommerceSchema,
  type LogLine,
  recordingLogger,
  startTestServer,
} from "#impl/runtime/testing/test-server.ts";
import { createUserService } from "#impl/services/user/user-service.ts";
import { createUserStore } from "#impl/services/user/user-store.ts";
import { usersSchema } from "#impl/services/user/user-tables.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { type TestDatabase, testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import type { Notification } from "#proto/ecommerce/v1/notification.ts";
import {
  NotificationServiceDefinition,
  SendNotificationRequest,
} from "#proto/ecommerce/v1/notification_service.ts";
import { CreateUserRequest, UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { createPageTokens } from "../../shared/page-token.ts";
import { createSecretBox, type SecretBox } from "../../shared/secret-box.ts";
import { createAddressPolicy } from "../address-policy.ts";
import { createDeliverySignals, type DeliverySignals } from "../delivery-signals.ts";
import { NotificationCategory, NotificationChannel, type NotificationState } from "../notification.ts";
import { createNotificationService } from "../notification-service.ts";
import { createNotificationStore, type NotificationStore } from "../notification-store.ts";
import { notificationsSchema } from "../notification-tables.ts";
import { type DeliveryOptions, startDelivery } from "../start-delivery.ts";
import type { Stoppable } from "../work-loop.ts";
import { LOCALHOST_CERTIFICATE } from "./localhost-certificate.ts";

const schema = ecommerceSchema();
const ours = [...schema.methods].filter(([path]) => /NotificationService|UserService/.test(path));
const checkFields = validate({ ...schema, methods: new Map(ours) });

export interface NotificationFixture {
  readonly client: ClientOf<NotificationServiceDefinition>;
  readonly clock: ManualClock;
  readonly database: TestDatabase<unknown>;
  readonly store: NotificationStore;
  readonly events: EventLog;
  readonly signals: DeliverySignals;
  readonly secrets: SecretBox;
  /** What the workers logged. */
  readonly log: readonly LogLine[];
  /** Starts the workers of one more process. They are stopped when the file has ended. */
  deliver(options?: Partial<DeliveryOptions>): Stoppable;
  /** Queues a confirmation of an order by e-mail, unless the test wants something else. */
  send(request: Partial<SendNotificationRequest>): Promise<Notification>;
  /** Resolves with the notification once it is in the state, after so many attempts where the test says so. */
  becomes(notificationId: string, state: NotificationState, attempts?: number): Promise<Notification>;
  /** Moves time on, and lets the workers look. */
  pass(ms: number): void;
  /** Registers a user; its id. */
  register(email: string, locale?: string): Promise<string>;
}

export interface NotificationFixtureOptions {
  /** Networks that webhooks may be posted to. Default that of the receiver in tests. */
  readonly allowedNetworks?: readonly string[];
}

/** Call it at the top of a test file: it cleans up after its last test. */
export async function startNotifications(
  options: NotificationFixtureOptions = {},
): Promise<NotificationFixture> {
  const { allowedNetworks = ["127.0.0.0/8"] } = options;
  const clock = manualClock(systemClock.now());
  const database = await testDatabase<unknown>({ migrations: [notificationsSchema, usersSchema] });
  const events = await testEventLog(database, "notifications");
  const store = createNotificationStore(database, { clock, events });
  const signals = createDeliverySignals(clock);
  const secrets = createSecretBox([new Uint8Array(32).fill(5)]);
  const addresses = createAddressPolicy(allowedNetworks);
  const tokens = createPageTokens({ key: new Uint8Array(32).fill(7), clock });
  const users = createUserService({
    store: createUserStore(database, { clock }),
    schema,
    newId,
    audit: noAudit,
    tokens,
    knownRoles: new Set(["customer"]),
    accessChecked: true,
  });
  // The server is known only once it listens, and the service is made before.
  let channel: Client | undefined;
  const callingAs = (metadata: Readonly<Record<string, string>>): ClientContext => ({
    schema,
    clock: systemClock,
    metadata: () => metadata,
    get channel() {
      return present(channel);
    },
  });
  const asService = callingAs(metadataOf(newId(), ["users.read", "users.write"]));
  const userClient = createClient(UserServiceDefinition, asService);
  const service = createNotificationService({
    store,
    events,
    schema,
    newId,
    clock,
    tokens,
    users: userClient,
    secrets,
    addresses,
    signals,
    accessChecked: true,
  });
  const server = await startTestServer({
    schema,
    services: [service, users],
    links: [believeTheCaller, authorize, checkFields],
    translators: [storageToRpcError],
    clock,
  });
  channel = new Client(server.address, credentials.createInsecure());
  const client = createClient(NotificationServiceDefinition, callingAs({}));
  const log: LogLine[] = [];
  const workers: Stoppable[] = [];
  afterAll(async () => {
    await Promise.all(workers.map((each) => each.stop()));
    channel?.close();
    await server.drain();
  });
  return {
    client,
    clock,
    database,
    store,
    events,
    signals,
    secrets,
    log,
    deliver(changes) {
      const worker = startDelivery({
        database,
        store,
        events,
        signals,
        secrets,
        addresses,
        clock,
        random: () => 0.5,
        log: recordingLogger(log),
        email: undefined,
        webhookCa: LOCALHOST_CERTIFICATE,
        ...changes,
      });
      workers.push(worker);
      return worker;
    },
    async send(request) {
      const { notifications } = await client.sendNotification(confirmation(request), sender);
      return present(notifications[0]);
    },
    async becomes(notificationId, state, attempts) {
      for (;;) {
        const { notification } = await client.getNotification({ notificationId }, reader);
        const counted = attempts === undefined || notification?.attemptCount === attempts;
        if (notification?.state === state && counted) return notification;
      }
    },
    pass(ms) {
      clock.advance(ms);
      for (const each of Object.values(NotificationChannel)) signals.wake(each);
    },
    async register(email, locale = "") {
      const user = { email, profile: { locale } };
      const request = CreateUserRequest.fromPartial({ user });
      return present((await userClient.createUser(request)).user).userId;
    },
  };
}

/** A confirmation of an order by e-mail to a guest, with the changes. */
export function confirmation(changes: Partial<SendNotificationRequest> = {}): SendNotificationRequest {
  return SendNotificationRequest.fromPartial({
    email: changes.userId === undefined ? "guest@example.com" : "",
    channel: NotificationChannel.NOTIFICATION_CHANNEL_EMAIL,
    category: NotificationCategory.NOTIFICATION_CATEGORY_TRANSACTION,
    eventType: "order.confirmed",
    templateName: "order.confirmed",
    variables: { order_id: "A-17", total: "GBP 12.50" },
    ...changes,
  });
}

/** Options of a call by this user. Without such options the caller is anonymous. */
export function as(userId: string, permissions: readonly string[] = []): CallOptions {
  return { metadata: metadataOf(userId, permissions) };
}

function metadataOf(userId: string, permissions: readonly string[]): Record<string, string> {
  return { "test-user": userId, "test-permissions": permissions.join(",") };
}

const STAFF = "01890000-0000-7000-8000-000000000000";
export const sender = as(STAFF, ["notifications.send"]);
export const reader = as(STAFF, ["notifications.read"]);
export const manager = as(STAFF, [
  "notifications.manage",
  "notifications.read",
  "webhooks.write",
  "webhooks.read",
]);

const believeTheCaller: Link = (_, next) => (call, input) => {
  const userId = call.metadata.get("test-user");
  const permissions = new Set(call.metadata.get("test-permissions")?.split(","));
  call.principal = userId === undefined ? undefined : { userId, roles: [], permissions };
  return next(call, input);
};
