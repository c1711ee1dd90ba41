// The clients with which services call each other: over the wire like everybody, and as a service. Those of the same process are called at
// its own address, known only when the server listens; others where discovery says they are.
import { type ChannelCredentials, Client } from "@grpc/grpc-js";
import type { ServiceIdentity } from "./auth/service-identity.ts";
import { type ClientOf, createClient } from "./client/client.ts";
import type { Discovery } from "./client/discovery.ts";
import type { Clock } from "./runtime/clock.ts";
import type { Logger } from "./runtime/logger.ts";
import type { Schema } from "./runtime/schema.ts";
import type { ServiceDefinition } from "./runtime/service.ts";
import { openServiceChannels, type ServiceChannels } from "./service-channels.ts";

export interface ServiceClients {
  of<S extends ServiceDefinition>(definition: S): ClientOf<S>;
  /** Where this process listens, and which services it serves. Calls before it fail. */
  connect(address: string, served: ReadonlySet<string>): void;
  /** Resolves when it is known where a service is. */
  locate(service: string): Promise<void>;
  close(): void;
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
}

export function createServiceClients(options: ServiceClientsOptions): ServiceClients {
  const { schema, clock, log, identity, credentials, discoveryOf, maxMessageBytes } = options;
  const channelOptions = {
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
  };
  const elsewhere = new Map<string, ServiceChannels>();
  let own: { readonly channel: Client; readonly served: ReadonlySet<string> } | undefined;

  /** Undefined for a service of this process. */
  const channelsOf = (service: string): ServiceChannels | undefined => {
    const known = elsewhere.get(service);
    if (known !== undefined || own?.served.has(service) === true) return known;
    const discovery = discoveryOf(service);
    if (discovery === undefined) return undefined;
    const channels = openServiceChannels({ service, discovery, credentials, channelOptions, clock, log });
    elsewhere.set(service, channels);
    return channels;
  };
  const channelOf = (service: string): Client => {
    if (own === undefined) throw new Error("a service was called before the system knew its address");
    return channelsOf(service)?.next() ?? own.channel;
  };
  return {
    of: (definition) =>
      createClient(definition, {
        schema,
        clock,
        metadata: identity.metadata,
        get channel() {
          return channelOf(definition.fullName);
        },
      }),
    connect(address, served) {
      own = { channel: new Client(address, credentials, channelOptions), served };
    },
    locate: (service) => channelsOf(service)?.known ?? Promise.resolve(),
    close() {
      own?.channel.close();
      for (const channels of elsewhere.values()) channels.close();
    },
  };
}
