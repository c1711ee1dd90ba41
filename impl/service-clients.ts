// The clients with which services call each other: over the wire like everybody, and as a service. Those of the same process are called at
// its own address, known only when the server listens; others where discovery says they are.
import { type ChannelCredentials, Client } from "@grpc/grpc-js";
import type { ServiceIdentity } from "./auth/service-identity.ts";
import type { BalancerName } from "./client/balancer.ts";
import { type ClientOf, createClient } from "./client/client.ts";
import type { LabelledStats } from "./client/client-metrics.ts";
import type { EcommerceClientOptions } from "./client/client-options.ts";
import type { Discovery } from "./client/discovery.ts";
import { type BaseClient, createBaseClient } from "./client/ecommerce-client.ts";
import type { Clock } from "./runtime/clock.ts";
import type { Logger } from "./runtime/logger.ts";
import type { Schema } from "./runtime/schema.ts";
import type { ServiceDefinition } from "./runtime/service.ts";

export interface ServiceClients {
  of<S extends ServiceDefinition>(definition: S): ClientOf<S>;
  /** Where this process listens, and which services it serves. Calls before it fail. */
  connect(address: string, served: ReadonlySet<string>): void;
  /** Of the endpoints in other processes, for metrics. */
  stats(): LabelledStats[];
  /** Calls that are open are CANCELLED. */
  close(): Promise<void>;
}

export interface ServiceClientsOptions {
  readonly schema: Schema;
  readonly clock: Clock;
  readonly log: Logger;
  readonly identity: Pick<ServiceIdentity, "metadata">;
  readonly credentials: ChannelCredentials;
  /** Where a service of another process is; undefined for one that is looked for at this process. */
  readonly discoveryOf: (service: string) => Discovery | undefined;
  /** Largest message received and sent, in bytes. */
  readonly maxMessageBytes: number;
  /** Between the instances of a service. */
  readonly balancer: BalancerName;
  readonly pool: NonNullable<EcommerceClientOptions["pool"]>;
}

export function createServiceClients(options: ServiceClientsOptions): ServiceClients {
  const { schema, clock, log, identity, credentials, discoveryOf, maxMessageBytes, balancer, pool } = options;
  const { metadata } = identity;
  const elsewhere = new Map<string, BaseClient>();
  let own: { readonly channel: Client; readonly served: ReadonlySet<string> } | undefined;

  const ownChannel = (): Client => {
    if (own === undefined) throw new Error("a service was called before the system knew its address");
    return own.channel;
  };
  /** Undefined for a service that is looked for at this process. */
  const clientElsewhere = (service: string): BaseClient | undefined => {
    const known = elsewhere.get(service);
    if (known !== undefined || own?.served.has(service) === true) return known;
    const discovery = discoveryOf(service);
    if (discovery === undefined) return undefined;
    const client = createBaseClient({
      discovery,
      schema,
      clock,
      credentials,
      metadata,
      maxMessageBytes,
      balancer,
      pool,
      // The registry knows how instances are, and whoever follows a stream here resumes it itself.
      healthService: false,
      resume: false,
      onEvent: (event) => log.debug({ service, event }, "a backend of this process"),
    });
    elsewhere.set(service, client);
    return client;
  };
  return {
    of(definition) {
      const here = createClient(definition, {
        schema,
        clock,
        metadata,
        get channel() {
          return ownChannel();
        },
      });
      let there: typeof here | undefined;
      const target = (): typeof here => {
        there ??= clientElsewhere(definition.fullName)?.of(definition);
        return there ?? here;
      };
      return calledThrough(definition, target);
    },
    connect(address, served) {
      const limits = {
        "grpc.max_receive_message_length": maxMessageBytes,
        "grpc.max_send_message_length": maxMessageBytes,
      };
      own = { channel: new Client(address, credentials, limits), served };
    },
    stats: () =>
      Array.from(elsewhere, ([service, client]) =>
        client.stats().map((stats) => ({ ...stats, service })),
      ).flat(),
    async close() {
      own?.channel.close();
      await Promise.all(Array.from(elsewhere.values(), (client) => client.close()));
    },
  };
}

/** A client whose every call asks anew which client it goes through. */
function calledThrough<S extends ServiceDefinition>(definition: S, target: () => ClientOf<S>): ClientOf<S> {
  const methods = Object.keys(definition.methods).map((key) => [
    key,
    (...call: unknown[]) => Reflect.apply(Reflect.get(target(), key), undefined, call),
  ]);
  return Object.fromEntries(methods);
}
