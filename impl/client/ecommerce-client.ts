// The client of the shop: all services over a pool of connections to many endpoints. Its parts from the caller to the wire: token, resuming
// streams, typed stub; then for each attempt, of which grpc-js makes as many as the policy allows: breakers, balancer, pool.
import { readFileSync } from "node:fs";
import type { ServiceError } from "@grpc/grpc-js";
import { sleep } from "#impl/runtime/clock.ts";
import { readSchema, type Schema } from "#impl/runtime/schema.ts";
import type { ServiceDefinition } from "#impl/runtime/service.ts";
import { AnalyticsServiceDefinition } from "#proto/ecommerce/v1/analytics.ts";
import { AuthServiceDefinition } from "#proto/ecommerce/v1/auth.ts";
import { GatewayServiceDefinition } from "#proto/ecommerce/v1/gateway.ts";
import { InventoryServiceDefinition } from "#proto/ecommerce/v1/inventory.ts";
import { NotificationServiceDefinition } from "#proto/ecommerce/v1/notification_service.ts";
import { OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import { PaymentServiceDefinition } from "#proto/ecommerce/v1/payment.ts";
import { ProductServiceDefinition } from "#proto/ecommerce/v1/product_service.ts";
import { RegistryServiceDefinition } from "#proto/ecommerce/v1/registry.ts";
import { SupportServiceDefinition } from "#proto/ecommerce/v1/support.ts";
import { UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { type CallInfo, toPickInformation } from "./attempt.ts";
import { authorization } from "./authorization.ts";
import { type CallConfig, methodConfigs, ONE_ATTEMPT } from "./call-config.ts";
import { CallError } from "./call-error.ts";
import { checkHealth, type HealthReport } from "./check-health.ts";
import { type ClientContext, type ClientOf, createClient, type MethodWrapper } from "./client.ts";
import { type ClientSettings, type EcommerceClientOptions, settingsOf } from "./client-options.ts";
import { type EndpointStats, Fleet } from "./fleet.ts";
import { openFleetChannel } from "./fleet-channel.ts";
import { HedgeBudget } from "./hedge-budget.ts";
import { localUnavailable } from "./local-status.ts";
import { OpenCalls } from "./open-calls.ts";
import { resuming } from "./resume.ts";

export { type BatchOptions, batch, type Outcome } from "./batch.ts";
export { CallError } from "./call-error.ts";
export type { CallOptions, ClientOf } from "./client.ts";
export type { ClientEvent } from "./client-events.ts";
export type { EcommerceClientOptions } from "./client-options.ts";
export { type Discovery, type Endpoint, staticDiscovery } from "./discovery.ts";
export type { EndpointStats } from "./fleet.ts";

const SERVICES = {
  analytics: AnalyticsServiceDefinition,
  auth: AuthServiceDefinition,
  gateway: GatewayServiceDefinition,
  inventory: InventoryServiceDefinition,
  notifications: NotificationServiceDefinition,
  orders: OrderServiceDefinition,
  payments: PaymentServiceDefinition,
  products: ProductServiceDefinition,
  registry: RegistryServiceDefinition,
  support: SupportServiceDefinition,
  users: UserServiceDefinition,
} as const;

export type EcommerceServices = { readonly [K in keyof typeof SERVICES]: ClientOf<(typeof SERVICES)[K]> };

export interface BaseClient extends AsyncDisposable {
  /** The methods of a service of the schema. */
  of<S extends ServiceDefinition>(definition: S): ClientOf<S>;
  /** Asks for the health of services, by full name; default the server's. Never rejects. `deadlineMs` default 2,000. */
  checkHealth(options?: {
    readonly services?: readonly string[];
    readonly deadlineMs?: number;
  }): Promise<HealthReport>;
  /** Connects, which else the first call does. Rejects when no endpoint can take calls within `deadlineMs`, default 10,000. */
  connect(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** What is known of every endpoint, its breakers and its connections now. */
  stats(): EndpointStats[];
  /**
   * Takes no more calls. Those under way may end within `graceMs` (default 0) and are then CANCELLED. Resolves when no call is left. Safe to
   * call twice.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

export type EcommerceClient = BaseClient & EcommerceServices;

/** Throws when an option cannot be. Connects with the first call. Must be closed: its connections keep the process alive. */
export function createEcommerceClient(options: EcommerceClientOptions): EcommerceClient {
  const base = createBaseClient(options);
  const services = Object.fromEntries(
    Object.entries(SERVICES).map(([name, definition]) => [name, base.of<ServiceDefinition>(definition)]),
  );
  return Object.assign(base, services as EcommerceServices);
}

/** The same without the services of the shop: for those of another schema. */
export function createBaseClient(options: EcommerceClientOptions): BaseClient {
  const settings = settingsOf(options);
  const schema = options.schema ?? shopSchema();
  const { clock } = settings;
  const fleet = fleetOf(settings);
  const channel = openFleetChannel({
    fleet,
    configure: callConfigs(settings, schema),
    throttling: settings.retry?.maxTokens === 0 ? undefined : settings.retry,
    credentials: settings.credentials,
    authority: settings.authority,
    channelOptions: settings.channelOptions,
  });
  const calls = new OpenCalls();
  const closing = new AbortController();
  let closed: Promise<void> | undefined;

  const context: ClientContext = {
    schema,
    clock,
    onCall: (cancel) => calls.begin(cancel),
    ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
    wrap: inTurn([
      ...(settings.resume === undefined
        ? []
        : [resuming(settings.resume, { ...settings, closing: closing.signal })]),
      ...(options.token === undefined ? [] : [authorization(options.token, clock)]),
    ]),
    get channel() {
      if (closed !== undefined) throw closedError();
      return channel;
    },
  };
  const close = async (graceMs: number): Promise<void> => {
    if (graceMs > 0) {
      const enough = new AbortController();
      await Promise.race([calls.none(), sleep(clock, graceMs, enough.signal).catch(() => {})]);
      enough.abort();
    }
    closing.abort();
    calls.cancelAll();
    channel.close();
    await calls.none();
  };
  return {
    of: (definition) => createClient(definition, context),
    checkHealth: ({ services = [""], deadlineMs = 2_000 } = {}) =>
      checkHealth({ channel, clock, services, deadlineMs, endpoints: () => fleet.stats() }),
    connect: ({ deadlineMs = 10_000 } = {}) =>
      new Promise((resolve, reject) =>
        channel.waitForReady(clock.now() + deadlineMs, (error) =>
          error === undefined || error === null ? resolve() : reject(error),
        ),
      ),
    stats: () => fleet.stats(),
    close({ graceMs = 0 } = {}) {
      closed ??= close(graceMs);
      return closed;
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

function fleetOf(settings: ClientSettings): Fleet {
  const { discovery, balancer, random, ejection, clock, onEvent, hedging } = settings;
  const { pool, breaker, slowStartMs, healthService } = settings;
  return new Fleet({
    discovery,
    balancer: balancer(random),
    replica: { pool, breaker, slowStartMs, healthService },
    ejection,
    hedges: new HedgeBudget(hedging?.budgetRatio ?? 0, HEDGE_BURST),
    clock,
    onEvent,
  });
}

const HEDGE_BURST = 10;

/** Each call's configuration: its attempts by the policy of its method, and what its picks have to know. */
function callConfigs(settings: ClientSettings, schema: Schema) {
  const configOf = methodConfigs(settings.retry, settings.hedging);
  return (path: string, metadata: { getOptions(): { readonly idempotentRequest?: boolean } }): CallConfig => {
    const method = schema.methods.get(path);
    const methodConfig =
      method === undefined ? ONE_ATTEMPT : configOf(method, metadata.getOptions().idempotentRequest === true);
    const call: CallInfo = {
      group: method === undefined ? path : settings.breakerGroup(method),
      unary: method !== undefined && !method.requestStream && !method.responseStream,
      hedged: methodConfig.hedgingPolicy !== undefined,
      tried: new Set(),
    };
    return { methodConfig, pickInformation: toPickInformation(call), status: 0, dynamicFilterFactories: [] };
  };
}

/** The first is the outermost. */
function inTurn(wrappers: readonly MethodWrapper[]): MethodWrapper {
  return {
    promise: (method, call) => wrappers.reduceRight((inner, { promise }) => promise(method, inner), call),
    stream: (method, call) => wrappers.reduceRight((inner, { stream }) => stream(method, inner), call),
  };
}

function closedError(): CallError {
  const status = localUnavailable("CLIENT_CLOSED", "the client is closed");
  const error: ServiceError = Object.assign(new Error(status.details), status);
  return new CallError("client", error);
}

/** The contract that this repository states. */
function shopSchema(): Schema {
  return readSchema(readFileSync(new URL("../../proto/gen/image.binpb", import.meta.url)));
}
