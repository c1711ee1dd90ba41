// A payment service on a database of its own with a provider process of its own, called over the wire as anyone the test likes. Everything is
// real: what the provider loses is lost.
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll } from "vitest";
import { type CallOptions, type ClientOf, createClient } from "#impl/client/client.ts";
import { authorize } from "#impl/middleware/authorize.ts";
import { validate } from "#impl/middleware/validate.ts";
import type { BehaviorPatch } from "#impl/payment-provider/behavior.ts";
import { startTestProvider, type TestProvider } from "#impl/payment-provider/testing/provider-fixture.ts";
import { type Clock, systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { newId } from "#impl/runtime/ids.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import {
  ecommerceSchema,
  type LogLine,
  recordingLogger,
  startTestServer,
  type TestServer,
} from "#impl/runtime/testing/test-server.ts";
import { openDatabase } from "#impl/storage/database.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import type { EventLogLimits } from "#impl/storage/events/create-event-log.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { type TestDatabase, testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { type Payment, PaymentServiceDefinition } from "#proto/ecommerce/v1/payment.ts";
import { createPageTokens } from "../../shared/page-token.ts";
import { createHttpProvider } from "../http-provider.ts";
import { createAttempts } from "../payment-attempts.ts";
import { createPaymentClaims } from "../payment-claims.ts";
import { createPaymentService } from "../payment-service.ts";
import { createPaymentStore, type PaymentStore } from "../payment-store.ts";
import { type PaymentTables, paymentsSchema } from "../payment-tables.ts";
import { createProviderEventInbox } from "../provider-event-inbox.ts";
import { createProviderEvents } from "../provider-events.ts";
import type { PaymentProvider } from "../provider-port.ts";
import { createReconciler, type Reconciler, type ReconcilerOptions } from "../reconciler.ts";

export const schema: Schema = ecommerceSchema();
const ours = [...schema.methods].filter(([path]) => path.includes("PaymentService"));
export const checkFields: Link = validate({ ...schema, methods: new Map(ours) });

export interface PaymentFixture {
  readonly client: ClientOf<PaymentServiceDefinition>;
  readonly database: TestDatabase<PaymentTables>;
  readonly events: EventLog;
  readonly server: TestServer;
  readonly store: PaymentStore;
  readonly provider: PaymentProvider;
  readonly process: TestProvider;
  /** Never runs by itself. */
  readonly reconciler: Reconciler;
  /** For further workers. */
  readonly reconcilerOptions: ReconcilerOptions;
  /** Ids of transactions whose outcome was found to be unknown. */
  readonly unknown: string[];
  /** What the service logs beside its calls. */
  readonly logged: readonly LogLine[];
  /** The service's. */
  readonly clock: Clock;
  /** Moves it on. */
  pass(ms: number): void;
  /** Rounds of reconciliation, all that is pending due, until nothing is pending. */
  reconcile(): Promise<void>;
}

export interface PaymentFixtureOptions {
  readonly behavior?: BehaviorPatch;
  /** How long the provider may take. Default 2 s; where answers are lost it is how long a test waits. */
  readonly timeoutMs?: number;
  readonly links?: readonly Link[];
  readonly eventLimits?: Partial<EventLogLimits>;
  /** False makes everyone somebody who may do everything. */
  readonly accessChecked?: boolean;
  readonly record?: boolean;
}

/** Call it at the top of a test file: it registers its own clean-up. */
export async function startPayments(options: PaymentFixtureOptions = {}): Promise<PaymentFixture> {
  const { behavior = {}, timeoutMs = 2_000, accessChecked = true } = options;
  const process = await startTestProvider({ lostAnswer: "reset", lateMs: 40, ...behavior });
  const database = await testDatabase<PaymentTables>({ migrations: [paymentsSchema] });
  // On a pool of its own: what its readers ask is not counted with the service's statements.
  const { url: databaseUrl, sleep, random, log: silent } = database;
  const readers = openDatabase({ url: databaseUrl, sleep, random, log: silent, maxConnections: 2 });
  const events = await testEventLog(readers, "payments", { limits: options.eventLimits ?? {} });
  afterAll(() => readers.close());
  let passedMs = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + passedMs };
  const store = createPaymentStore(database.typed<unknown>(), { clock, events });
  const { url, apiKey, webhookSecret } = process.process();
  const provider = createHttpProvider({ url, apiKey, timeoutMs });
  const unknown: string[] = [];
  const logged: LogLine[] = [];
  const log = recordingLogger(logged);
  const attempts = createAttempts({
    store,
    provider,
    clock,
    log,
    onUnknown: ({ transactionId }) => unknown.push(transactionId),
  });
  const claims = createPaymentClaims(database.typed<unknown>());
  const inbox = createProviderEventInbox(database.typed<unknown>());
  const service = createPaymentService({
    store,
    provider,
    attempts,
    providerEvents: createProviderEvents({ store, inbox, secrets: [webhookSecret], clock, log }),
    events,
    tokens: createPageTokens({ key: new Uint8Array(32).fill(3), clock: systemClock }),
    accessChecked,
    clock,
    newId,
  });
  const server = await startTestServer({
    schema,
    services: [service],
    links: [...(options.links ?? []), ...(accessChecked ? [believeTheCaller, authorize] : []), checkFields],
    translators: [storageToRpcError],
    record: options.record ?? true,
  });
  const channel = new Client(server.address, credentials.createInsecure());
  afterAll(async () => {
    channel.close();
    await server.drain();
    await attempts.idle();
  });
  const reconcilerOptions: ReconcilerOptions = {
    store,
    claims,
    provider,
    clock,
    random: () => 0.5,
    log,
    firstPauseMs: 10,
    longestPauseMs: 20,
  };
  const reconciler = createReconciler(reconcilerOptions);
  return {
    client: createClient(PaymentServiceDefinition, {
      channel,
      schema,
      clock: systemClock,
      metadata: () => shop.metadata ?? {},
    }),
    database,
    events,
    server,
    store,
    provider,
    process,
    reconciler,
    reconcilerOptions,
    unknown,
    logged,
    clock,
    pass(ms) {
      passedMs += ms;
    },
    async reconcile() {
      for (;;) {
        const pending = await database.queries
          .selectFrom("payments.transactions")
          .select("transaction_id")
          .where("state", "=", 1)
          .execute();
        if (pending.length === 0) return;
        const ids = pending.map(({ transaction_id }) => transaction_id);
        await reconciler.round(ids, AbortSignal.timeout(5_000));
      }
    },
  };
}

/** Options of a call by this user. */
export function as(userId: string, permissions: readonly string[] = []): CallOptions {
  return { metadata: { "test-user": userId, "test-permissions": permissions.join(",") } };
}

/** The service that calls when a test names nobody. */
export const shop = as("01890000-0000-7000-8000-00000000000a", ["payments.write", "payments.read"]);
export const nobody: CallOptions = { metadata: { "test-user": "" } };

const believeTheCaller: Link = (_, next) => (call, input) => {
  const userId = call.metadata.get("test-user") ?? "";
  const permissions = new Set(call.metadata.get("test-permissions")?.split(","));
  call.principal = userId === "" ? undefined : { userId, roles: [], permissions };
  return next(call, input);
};

export type PaymentMessage = Payment;
