// An analytics service on a database of its own, at a time that a test sets, which hears what a test tells it.
import { Client, credentials } from "@grpc/grpc-js";
import { sql } from "kysely";
import { afterAll } from "vitest";
import { type ClientOf, createClient } from "#impl/client/client.ts";
import { validate } from "#impl/middleware/validate.ts";
import { type Clock, systemClock } from "#impl/runtime/clock.ts";
import { ecommerceSchema, startTestServer, type TestServer } from "#impl/runtime/testing/test-server.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import type { EventLogLimits, StoppableEventLog } from "#impl/storage/events/create-event-log.ts";
import { type TestDatabase, testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { AnalyticsServiceDefinition } from "#proto/ecommerce/v1/analytics.ts";
import { createPageTokens } from "../../shared/page-token.ts";
import { type CuttableLink, startCuttableLink } from "../../support/testing/cuttable-link.ts";
import { createAnalyticsService } from "../analytics-service.ts";
import { analyticsSchema } from "../analytics-tables.ts";
import type { Feed } from "../feed.ts";
import type { Occurrence } from "../occurrence.ts";
import { createOccurrenceStore, type OccurrenceStore } from "../occurrence-store.ts";
import type { MetricsStreamContext } from "../stream-metrics.ts";

/** The beginning of an hour. */
export const NOON = Date.UTC(2026, 5, 1, 12);

const schema = ecommerceSchema();
const ours = [...schema.methods].filter(([path]) => path.includes("AnalyticsService"));
const checkFields = validate({ ...schema, methods: new Map(ours) });

export interface AnalyticsServer {
  readonly server: TestServer;
  readonly client: ClientOf<AnalyticsServiceDefinition>;
  /** The way of `client` to the server. */
  readonly link: CuttableLink;
  stop(): Promise<void>;
}

export interface AnalyticsFixture extends AnalyticsServer {
  readonly database: TestDatabase<unknown>;
  readonly events: StoppableEventLog;
  readonly store: OccurrenceStore;
  /** The service's. */
  readonly clock: Clock;
  /** Moves it to so many milliseconds after noon. */
  setTime(ms: number): void;
  /** A source tells these, and that it has told everything until so many milliseconds after noon. */
  tell(source: Feed["source"], occurrences: readonly Occurrence[], throughMs?: number): Promise<void>;
  /** Another process of the service, with the same log. */
  startServer(options?: Partial<MetricsStreamContext>): Promise<AnalyticsServer>;
}

/** Call it at the top of a test file: it registers its own clean-up. */
export async function startAnalytics(
  options: Partial<MetricsStreamContext> = {},
  eventLimits: Partial<EventLogLimits> = {},
): Promise<AnalyticsFixture> {
  let now = NOON;
  const clock: Clock = { ...systemClock, now: () => now };
  const database = await testDatabase<unknown>({ migrations: [analyticsSchema] });
  const events = await testEventLog(database, "analytics", { clock, limits: eventLimits });
  const store = createOccurrenceStore({ database, events });
  const tokens = createPageTokens({ key: new Uint8Array(32).fill(9), clock: systemClock });
  const startServer = async (others: Partial<MetricsStreamContext> = {}): Promise<AnalyticsServer> => {
    const service = createAnalyticsService({
      database,
      events,
      tokens,
      clock,
      retentionMs: 86_400_000,
      pace: { finalMs: 5, partialMs: 5 },
      ...options,
      ...others,
    });
    const started = await serve(service);
    afterAll(() => started.stop());
    return started;
  };
  let token = 0;
  return {
    ...(await startServer()),
    database,
    events,
    store,
    clock,
    startServer,
    setTime(ms) {
      now = NOON + ms;
    },
    async tell(source, occurrences, throughMs) {
      await store.begin(source, "0");
      await sql`update analytics.sources set listed = true where source = ${source}`.execute(
        database.queries,
      );
      const from = await store.place(source);
      if (from === undefined) throw new Error("the source has no place");
      token += 1;
      const place = { resumeToken: String(token), listed: true };
      const through = throughMs === undefined ? undefined : NOON + throughMs;
      await store.step(source, from, { occurrences, place, through });
    },
  };
}

async function serve(service: ReturnType<typeof createAnalyticsService>): Promise<AnalyticsServer> {
  const server = await startTestServer({
    schema,
    services: [service],
    links: [checkFields],
    translators: [storageToRpcError],
  });
  const link = await startCuttableLink(Number(server.address.split(":").at(-1)));
  const channel = new Client(`127.0.0.1:${link.port}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.initial_reconnect_backoff_ms": 1,
    "grpc.min_reconnect_backoff_ms": 1,
  });
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    channel.close();
    await server.drain();
    await link.close();
  };
  return {
    server,
    link,
    client: createClient(AnalyticsServiceDefinition, { channel, schema, clock: systemClock }),
    stop: () => (stopped ??= stop()),
  };
}
