// The composition root: makes every part of the system from its configuration and takes it down again in the opposite order. No other file
// knows how the parts are wired.
import { readFile } from "node:fs/promises";
import { AnalyticsServiceDefinition } from "#proto/ecommerce/v1/analytics.ts";
import { AuthServiceDefinition } from "#proto/ecommerce/v1/auth.ts";
import { askForApiKeys } from "./ask-for-api-keys.ts";
import { createApiKeyVerifier } from "./auth/api-key-verifier.ts";
import { createDelegationVerifier } from "./auth/delegation.ts";
import { type RevocationFeed, startRevocationFeed } from "./auth/revocation-feed.ts";
import { createRevocationSet } from "./auth/revocation-set.ts";
import { openServerCredentials } from "./auth/server-credentials.ts";
import { serviceIdentity } from "./auth/service-identity.ts";
import type { SigningKey } from "./auth/sign-token.ts";
import { addClientMetrics } from "./client/client-metrics.ts";
import type { Config } from "./config.ts";
import { createLinks } from "./create-links.ts";
import { createServices } from "./create-services.ts";
import { forwardedPeer } from "./middleware/forwarded-peer.ts";
import { startAdmin } from "./observability/admin-http.ts";
import { createAudit } from "./observability/audit.ts";
import { createCpuProfiler } from "./observability/cpu-profile.ts";
import { startHealthMonitor } from "./observability/health-monitor.ts";
import { openLogOutput } from "./observability/log-output.ts";
import { createLogging, type Logging } from "./observability/logging.ts";
import { createMetrics } from "./observability/metrics.ts";
import { startRuntimeStats } from "./observability/runtime-stats.ts";
import { sensitiveNames } from "./observability/sensitive-names.ts";
import { createTracing } from "./observability/tracing.ts";
import { openBuckets } from "./open-buckets.ts";
import { openHttp } from "./open-http.ts";
import { openPageTokenKey, openSigningKeys } from "./open-keys.ts";
import { openStorage } from "./open-storage.ts";
import { serverTls } from "./open-tls.ts";
import { openTokenVerifier } from "./open-verifier.ts";
import { startRpcFiguresReport } from "./report-rpc-figures.ts";
import { createErrorBoundary } from "./runtime/boundary.ts";
import { systemClock } from "./runtime/clock.ts";
import type { Link } from "./runtime/handler.ts";
import { newId, systemRandom } from "./runtime/ids.ts";
import { readSchema, type Schema } from "./runtime/schema.ts";
import { startServer } from "./runtime/server.ts";
import { serverLimits } from "./server-limits.ts";
import { createPageTokens } from "./services/shared/page-token.ts";
import { storageToRpcError } from "./storage/error-translator.ts";
import { openTopology } from "./topology.ts";

/** ErrorInfo.domain of every error of the system. */
export const ERROR_DOMAIN = "ecommerce.example.com";

export interface RunningSystem {
  /** "host:port". */
  readonly grpc: string;
  readonly admin: string;
  /** Of JSON over HTTP; undefined without HTTP_PORT. */
  readonly http: string | undefined;
  /** Connections to `grpc` are TLS. */
  readonly encrypted: boolean;
  readonly schema: Schema;
  readonly logging: Logging;
  /** Signs access tokens; only with DEVELOPMENT_TOKEN. */
  readonly developmentKey: SigningKey | undefined;
  /** Drains and releases everything. Safe to call twice. */
  stop(): Promise<void>;
}

export async function boot(config: Config): Promise<RunningSystem> {
  // Released in the opposite order, also of a start that fails half way.
  const resources = new AsyncDisposableStack();
  try {
    return await start(config, resources);
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

async function start(config: Config, resources: AsyncDisposableStack): Promise<RunningSystem> {
  const off = new Set(listed(config.MIDDLEWARE_OFF));
  const schema = readSchema(await readFile(new URL("../proto/gen/image.binpb", import.meta.url)));
  const output = openLogOutput({ destination: 1, clock: systemClock });
  resources.defer(() => output.close());
  const logging = createLogging({
    level: config.LOG_LEVEL,
    clock: systemClock,
    output,
    sensitive: sensitiveNames(schema),
  });
  const { log } = logging;
  const auditOutput =
    config.AUDIT_FILE === undefined
      ? output
      : openLogOutput({ destination: config.AUDIT_FILE, clock: systemClock });
  resources.defer(() => auditOutput.close());
  const audit = createAudit({ clock: systemClock, output: auditOutput });
  const tracing = createTracing({
    sampleRatio: config.TRACE_SAMPLE_RATIO,
    random: systemRandom,
    clock: systemClock,
    serviceName: "grpc-ecommerce",
    ...(config.OTLP_ENDPOINT === undefined ? {} : { endpoint: config.OTLP_ENDPOINT }),
  });
  resources.defer(() => tracing.shutdown());
  const tls = await openServerCredentials(serverTls(config), { clock: systemClock, log });
  resources.defer(() => tls.stop());
  const { database, url } = await openStorage(config, log, resources);
  let calls = 0;
  const revocations = createRevocationSet({ clock: systemClock });
  // Set when the services can be reached.
  let feed: RevocationFeed | undefined;
  const metrics = createMetrics({
    sources: {
      revocations: () => ({ up: feed?.up === true, held: revocations.size }),
      database: database.load,
      databaseQueries: database.statements,
      droppedLogLines: () => output.dropped,
    },
  });
  const stats = startRuntimeStats({
    clock: systemClock,
    profileAllocations: config.PROFILE_ALLOCATIONS === "1",
    calls: () => calls,
    databaseQueries: database.statements,
    // For a harness on the same machine that starts further processes on the same database.
    databaseUrl: () => (config.SHOW_DATABASE_URL === "1" ? url : undefined),
  });
  resources.defer(() => stats.close());
  const keys = await openSigningKeys(config);
  const identity = await serviceIdentity({
    key: keys.service.signing,
    name: "service:ecommerce",
    clock: systemClock,
    log,
  });
  resources.defer(() => identity.stop());
  const topology = openTopology({
    config,
    schema,
    identity,
    clock: systemClock,
    random: systemRandom,
    newId,
    log,
    resources,
  });
  addClientMetrics(metrics.registry, topology.clients.stats);
  const auth = topology.clients.of(AuthServiceDefinition);
  const services = await createServices({
    config,
    schema,
    database,
    databaseUrl: url,
    clients: topology.clients,
    tokens: createPageTokens({
      key: await openPageTokenKey(config),
      clock: systemClock,
      // A token must not expire before the events after it do.
      lifetimeMs: config.EVENT_RETENTION_HOURS * 3_600_000,
    }),
    accessChecked: !off.has("auth"),
    clock: systemClock,
    newId,
    random: systemRandom,
    log,
    audit,
    resources,
  });
  const ended = (): void => {
    calls += 1;
  };
  const count: Link = (_, next) => (call, input) => {
    call.onFinish(ended);
    return next(call, input);
  };
  const served = new Set(Object.keys(services.dependencies));
  const environment = {
    clock: systemClock,
    log,
    boundary: createErrorBoundary({ domain: ERROR_DOMAIN, translators: [storageToRpcError] }),
  };
  const limits = serverLimits(config);
  const server = await startServer({
    schema,
    services: [...services.implementations, topology.forwarded(served)],
    links: [
      count,
      forwardedPeer(listed(config.TRUSTED_GATEWAYS)),
      ...createLinks(config, off, {
        schema,
        logging,
        audit,
        metrics,
        tracing,
        verifiers: {
          token: openTokenVerifier({ config, keys, auth, revocations, clock: systemClock, log }),
          apiKey: createApiKeyVerifier({
            ask: askForApiKeys(auth),
            clock: systemClock,
            revocations,
          }),
          delegation: createDelegationVerifier(keys.service.keys, systemClock),
        },
        clock: systemClock,
        ...openBuckets(config, log, metrics.rates, resources),
      }),
    ],
    environment,
    credentials: tls.credentials,
    address: `${config.HOST}:${config.GRPC_PORT}`,
    limits,
  });
  const monitor = startHealthMonitor({
    health: server.health,
    clock: systemClock,
    log,
    checks: { database: (signal) => database.ping(signal) },
    services: services.dependencies,
  });
  resources.defer(() => server.drain());
  resources.defer(() => monitor.stop());
  await topology.connect(server.address, served);
  const http = await openHttp(config, { schema, server, environment, limits, tls });
  feed = off.has("auth")
    ? undefined
    : startRevocationFeed({
        watch: auth.watchRevocations,
        revocations,
        clock: systemClock,
        log,
        random: systemRandom,
      });
  resources.defer(() => feed?.stop());
  const work = services.startWork();
  resources.defer(() => work.stop());
  const figures = startRpcFiguresReport({
    analytics: topology.clients.of(AnalyticsServiceDefinition),
    calls: metrics.calls,
    instanceId: newId(),
    clock: systemClock,
    log,
  });
  resources.defer(() => figures.stop());
  const admin = await startAdmin({
    host: config.ADMIN_HOST,
    port: config.ADMIN_PORT,
    metrics,
    readiness: () => monitor.readiness(),
    runtime: stats,
    profile: createCpuProfiler(systemClock),
    log,
  });
  resources.defer(() => admin.close());
  await monitor.firstRound;
  topology.join({
    address: server.address,
    served,
    health: server.health,
    ready: () => monitor.readiness().ready,
  });
  return {
    grpc: server.address,
    admin: admin.address,
    http: http?.address,
    encrypted: tls.encrypted,
    schema,
    logging,
    developmentKey: keys.development?.signing,
    async stop() {
      // Work first, since it makes calls; then calls, while everything they need is there, and while the admin port can say that this
      // process is not ready.
      await topology.leave();
      monitor.stop();
      await Promise.all([work.stop(), figures.stop(), feed?.stop()]);
      await server.drain();
      await resources.disposeAsync();
    },
  };
}

/** What a setting lists, comma separated. */
function listed(setting: string): readonly string[] {
  return setting
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
