// How this process stands among the others: where it finds the services that it calls, what it forwards to them, and how they find it.
import { hostname } from "node:os";
import { RegistryServiceDefinition } from "#proto/ecommerce/v1/registry.ts";
import type { ServiceIdentity } from "./auth/service-identity.ts";
import { BALANCERS } from "./client/balancer.ts";
import { channelCredentials } from "./client/channel-credentials.ts";
import { parseAddress } from "./client/discovery.ts";
import { createRegistryDirectory } from "./client/registry-discovery.ts";
import type { Config } from "./config.ts";
import { createBackends } from "./gateway/backends.ts";
import { forwarding } from "./gateway/forwarding.ts";
import { openDiscovery } from "./open-discovery.ts";
import { channelTls } from "./open-tls.ts";
import { keepRegistered, type Registration } from "./register-instance.ts";
import { type Clock, sleep } from "./runtime/clock.ts";
import type { Health } from "./runtime/health.ts";
import type { NewId } from "./runtime/ids.ts";
import type { Logger } from "./runtime/logger.ts";
import { repeat } from "./runtime/repeat.ts";
import type { Schema } from "./runtime/schema.ts";
import type { ServiceImplementation } from "./runtime/service.ts";
import { createServiceClients, type ServiceClients } from "./service-clients.ts";

export interface TopologyOptions {
  readonly config: Config;
  readonly schema: Schema;
  readonly identity: ServiceIdentity;
  readonly clock: Clock;
  readonly random: () => number;
  readonly newId: NewId;
  readonly log: Logger;
  /** Released after the server has drained. */
  readonly resources: AsyncDisposableStack;
}

export interface Topology {
  readonly clients: ServiceClients;
  /** What a gateway serves beside what is its own: the services that others serve. */
  forwarded(served: ReadonlySet<string>): ServiceImplementation;
  /** To be called once the server listens: now services can be called. Resolves when it is known where they are, or soon after. */
  connect(address: string, served: ReadonlySet<string>): Promise<void>;
  /** To be called once it is known how this process is: now the others may call it. */
  join(options: JoinOptions): void;
  /** Tells the others that no new calls are wanted; finishing comes after. Never rejects. */
  leave(): Promise<void>;
}

export interface JoinOptions {
  /** "host:port" of the server. */
  readonly address: string;
  readonly served: ReadonlySet<string>;
  readonly health: Pick<Health, "set">;
  readonly ready: () => boolean;
}

/** Part of the gateway itself, which no backend serves. */
const GATEWAY_SERVICE = "ecommerce.v1.GatewayService";
/** Calls on one connection of grpc-js, whose work is shared better by several of them. */
const MAX_STREAMS = 100;
const HEALTH_EVERY_MS = 500;
/** What the start waits for a registry that does not answer. */
const LOCATE_MS = 2_000;

export function openTopology(options: TopologyOptions): Topology {
  const { config, schema, identity, clock, random, newId, log, resources } = options;
  const tls = channelTls(config);
  const inTurn = config.BACKEND_BALANCING === "inTurn";
  const clients = createServiceClients({
    schema,
    clock,
    log,
    identity,
    credentials: channelCredentials(tls),
    discoveryOf: (service) => discoveryOf(service),
    maxMessageBytes: config.MAX_MESSAGE_BYTES,
    balancer: inTurn ? "weightedRoundRobin" : "powerOfTwoChoices",
    pool: {
      maxConnections: config.BACKEND_CONNECTIONS,
      // Those that are called are this same program, configured alike.
      maxStreamsPerConnection: Math.min(MAX_STREAMS, config.MAX_STREAMS_PER_CONNECTION),
    },
  });
  resources.defer(() => clients.close());
  const registry = clients.of(RegistryServiceDefinition);
  const registered = config.REGISTRY_ADDRESS !== undefined || servesGatewayAndRegistry(config);
  const directory = registered ? createRegistryDirectory({ client: registry, clock, log }) : undefined;
  resources.defer(() => directory?.stop());
  const discoveryOf = openDiscovery(config, { clock, services: schema.services, directory });
  let watched: { readonly services: readonly string[]; connected(service: string): number } | undefined;
  let registration: Registration | undefined;

  return {
    clients,
    forwarded(served) {
      if (config.GATEWAY === "0") return new Map();
      const services = schema.services.filter(
        (service) =>
          service !== GATEWAY_SERVICE && !served.has(service) && discoveryOf(service) !== undefined,
      );
      const maxMessageBytes = config.MAX_MESSAGE_BYTES;
      const backends = createBackends({
        discoveryOf,
        services,
        balancer: inTurn ? BALANCERS.weightedRoundRobin : BALANCERS.leastOutstanding,
        maxConnections: config.BACKEND_CONNECTIONS,
        clock,
        random,
        log,
        maxMessageBytes,
        tls,
      });
      resources.defer(() => backends.close());
      watched = { services, connected: backends.connected };
      return forwarding(schema, backends, new Set(services), identity.vouch);
    },
    async connect(address, served) {
      clients.connect(address, served);
      if (directory === undefined) return;
      await Promise.race([directory.start(), sleep(clock, LOCATE_MS)]);
    },
    join({ address, served, health, ready }) {
      if (watched !== undefined) {
        const { services, connected } = watched;
        const tell = async (): Promise<void> => {
          for (const service of services) {
            health.set(service, connected(service) > 0 ? "SERVING" : "NOT_SERVING");
          }
        };
        const telling = repeat("health of backends", HEALTH_EVERY_MS, tell, { clock, log });
        resources.defer(() => telling.stop());
      }
      if (!registered || served.size === 0) return;
      registration = keepRegistered({
        client: registry,
        instance: {
          instanceId: newId(),
          services: [...served],
          ...advertised(config, address),
          weight: 0,
          zone: config.ADVERTISED_ZONE,
          version: "",
          labels: {},
        },
        leaseMs: config.REGISTRY_LEASE_SECONDS * 1_000,
        ready,
        clock,
        log,
      });
      const { end } = registration;
      resources.defer(end);
    },
    async leave() {
      // Where the registry is served here, nobody will be there to be told later.
      await (servesGatewayAndRegistry(config) ? registration?.end() : registration?.drain());
    },
  };
}

function servesGatewayAndRegistry({ GATEWAY, SERVICES }: Config): boolean {
  const services = SERVICES.split(",").map((name) => name.trim());
  return GATEWAY === "1" && (services.includes("all") || services.includes("registry"));
}

const ANY_ADDRESS = new Set(["0.0.0.0", "::"]);

/** Where the others reach what listens at `address`. */
function advertised(config: Config, address: string): { readonly host: string; readonly port: number } {
  const bound = parseAddress(address);
  if ("path" in bound) throw new Error(`HOST="${config.HOST}": an instance in the registry needs a port`);
  const host = config.ADVERTISED_HOST ?? (ANY_ADDRESS.has(bound.host) ? hostname() : bound.host);
  return { host, port: bound.port };
}
