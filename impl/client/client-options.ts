// What a client can be told, with the defaults, checked when it is made.
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import { type Clock, systemClock } from "#impl/runtime/clock.ts";
import { type Random, systemRandom } from "#impl/runtime/ids.ts";
import type { Method } from "#impl/runtime/method.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import type { TokenProvider } from "./authorization.ts";
import { BALANCERS, type BalancerFactory, type BalancerName } from "./balancer.ts";
import type { BreakerOptions } from "./breaker.ts";
import type { HedgingOptions, RetryOptions } from "./call-config.ts";
import type { ClientContext } from "./client.ts";
import type { ClientEventListener } from "./client-events.ts";
import type { PoolOptions } from "./connection-pool.ts";
import { type Discovery, type Endpoint, staticDiscovery } from "./discovery.ts";
import type { EjectionOptions } from "./ejection.ts";
import type { ResumeOptions } from "./reopening.ts";

export interface EcommerceClientOptions {
  /** Where the services are; this or `discovery`. */
  readonly addresses?: ReadonlyArray<string | Endpoint>;
  readonly discovery?: Discovery;
  /** Default: plain text. */
  readonly credentials?: ChannelCredentials;
  /** The ":authority" of calls. Default: the first address, or "localhost" with a discovery. */
  readonly authority?: string;
  /** Default "powerOfTwoChoices". */
  readonly balancer?: BalancerName | BalancerFactory;
  readonly pool?: Partial<PoolOptions>;
  /** The service whose health every endpoint is asked for, "" for the server's; false: not asked. Default "". */
  readonly healthService?: string | false;
  readonly slowStartMs?: number;
  readonly ejection?: Partial<EjectionOptions> | false;
  readonly breaker?: Partial<BreakerOptions> | false;
  /** Methods that share a breaker. Default: those of a service. */
  readonly breakerGroup?: (method: Method) => string;
  readonly retry?: Partial<RetryOptions> | false;
  /** Of methods without side effects, instead of retries. Default false. */
  readonly hedging?: Partial<HedgingOptions> | false;
  readonly resume?: Partial<ResumeOptions> | false;
  /** Gives the access token of every call. Default: none is sent. */
  readonly token?: TokenProvider;
  /** Further metadata of every call, such as a `traceparent`. */
  readonly metadata?: NonNullable<ClientContext["metadata"]>;
  /** Compresses requests. Default false. Responses are compressed as the server sees fit. */
  readonly compressRequests?: boolean;
  /** Largest message received and sent, bytes. Default 4 MiB. */
  readonly maxMessageBytes?: number;
  /** Without calls for so long the client closes its connections, until the next. Default 30 min. */
  readonly idleMs?: number;
  /** Time between pings on a connection with calls, and for their answers. Defaults 30 s and 10 s. */
  readonly keepaliveMs?: number;
  readonly keepaliveTimeoutMs?: number;
  /** The contract. Default: the one in this repository. */
  readonly schema?: Schema;
  readonly onEvent?: ClientEventListener;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Options of grpc-js that win over those above. */
  readonly channelOptions?: ChannelOptions;
}

export const DEFAULT_POOL: PoolOptions = {
  minConnections: 1,
  maxConnections: 8,
  maxStreamsPerConnection: 100,
  idleConnectionMs: 60_000,
};

export const DEFAULT_EJECTION: EjectionOptions = {
  consecutiveFailures: 5,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionPercent: 50,
  intervalMs: 10_000,
  minEndpoints: 5,
  minCalls: 100,
  deviations: 1.9,
};

export const DEFAULT_BREAKER: BreakerOptions = {
  failures: 10,
  openMs: 5_000,
  maxOpenMs: 60_000,
  probes: 1,
  successes: 1,
};

export const DEFAULT_RETRY: RetryOptions = {
  maxAttempts: 3,
  initialBackoffMs: 50,
  maxBackoffMs: 1_000,
  backoffMultiplier: 2,
  maxTokens: 100,
  tokenRatio: 0.1,
};

export const DEFAULT_HEDGING: HedgingOptions = { delayMs: 50, maxAttempts: 2, budgetRatio: 0.05 };

export const DEFAULT_RESUME: ResumeOptions = {
  maxAttempts: 10,
  initialBackoffMs: 100,
  maxBackoffMs: 10_000,
  snapshotWhenExpired: false,
};

const DEFAULT_SLOW_START_MS = 10_000;
const DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const DEFAULT_IDLE_MS = 30 * 60_000;
const DEFAULT_KEEPALIVE_MS = 30_000;
const DEFAULT_KEEPALIVE_TIMEOUT_MS = 10_000;
/** grpc-js's number for gzip. */
const GZIP = 2;

export type ClientSettings = ReturnType<typeof settingsOf>;

/** Throws when an option cannot be; the message names it. */
export function settingsOf(options: EcommerceClientOptions) {
  const { addresses, discovery, balancer = "powerOfTwoChoices", healthService = "" } = options;
  if ((addresses === undefined) === (discovery === undefined)) {
    throw new Error("exactly one of addresses and discovery must be given");
  }
  const [first] = addresses ?? [];
  const pool = section("pool", DEFAULT_POOL, options.pool);
  if (pool.minConnections < 1 || pool.maxConnections < pool.minConnections) {
    throw new Error(
      `pool: connections must be 1 <= min <= max, got ${pool.minConnections} and ${pool.maxConnections}`,
    );
  }
  const retry = optional("retry", DEFAULT_RETRY, options.retry);
  const hedging = optional("hedging", DEFAULT_HEDGING, options.hedging ?? false);
  for (const [name, attempts] of [
    ["retry", retry?.maxAttempts],
    ["hedging", hedging?.maxAttempts],
  ] as const) {
    if (attempts !== undefined && !(attempts >= 2 && attempts <= 5)) {
      throw new Error(`${name}: maxAttempts must be 2 to 5, got ${attempts}`);
    }
  }
  return {
    discovery: discovery ?? staticDiscovery(addresses ?? []),
    credentials: options.credentials ?? credentials.createInsecure(),
    authority: options.authority ?? (typeof first === "object" ? first.address : first) ?? "localhost",
    balancer: typeof balancer === "string" ? BALANCERS[balancer] : balancer,
    pool,
    healthService: healthService === false ? undefined : healthService,
    slowStartMs: options.slowStartMs ?? DEFAULT_SLOW_START_MS,
    ejection: optional("ejection", DEFAULT_EJECTION, options.ejection),
    breaker: optional("breaker", DEFAULT_BREAKER, options.breaker),
    breakerGroup: options.breakerGroup ?? (({ service }: Method) => service),
    retry,
    hedging,
    resume: optional("resume", DEFAULT_RESUME, options.resume),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    onEvent: options.onEvent ?? (() => {}),
    channelOptions: channelOptionsOf(options),
  };
}

function channelOptionsOf(options: EcommerceClientOptions): ChannelOptions {
  const maxMessageBytes = options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
  return {
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc.client_idle_timeout_ms": options.idleMs ?? DEFAULT_IDLE_MS,
    "grpc.keepalive_time_ms": options.keepaliveMs ?? DEFAULT_KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs ?? DEFAULT_KEEPALIVE_TIMEOUT_MS,
    "grpc.enable_channelz": 0,
    ...(options.compressRequests === true ? { "grpc.default_compression_algorithm": GZIP } : {}),
    ...options.channelOptions,
  };
}

function optional<T extends object>(name: string, defaults: T, given: Partial<T> | false | undefined) {
  return given === false ? undefined : section(name, defaults, given);
}

function section<T extends object>(name: string, defaults: T, given: Partial<T> | undefined): T {
  for (const [key, value] of Object.entries(given ?? {})) {
    if (!(key in defaults)) throw new Error(`${name}: there is no option "${key}"`);
    if (typeof value === "number" && !(value >= 0))
      throw new Error(`${name}: ${key} must not be negative, got ${value}`);
  }
  return Object.freeze({ ...defaults, ...given });
}
