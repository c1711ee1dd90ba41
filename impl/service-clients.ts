// The clients with which the services of a process call each other: over the wire like everybody, and as a service. The channel is
// opened with the first call, since in one process the address is known only when the server listens.
import { type ChannelCredentials, Client } from "@grpc/grpc-js";
import type { ServiceIdentity } from "./auth/service-identity.ts";
import { type ClientOf, createClient } from "./client/client.ts";
import type { Clock } from "./runtime/clock.ts";
import type { Schema } from "./runtime/schema.ts";
import type { ServiceDefinition } from "./runtime/service.ts";

export interface ServiceClients {
  of<S extends ServiceDefinition>(definition: S): ClientOf<S>;
  /** Where the services are. Calls before it fail. */
  connect(address: string): void;
  close(): void;
}

export interface ServiceClientsOptions {
  readonly schema: Schema;
  readonly clock: Clock;
  readonly identity: Pick<ServiceIdentity, "metadata">;
  readonly credentials: ChannelCredentials;
  /** Largest message received and sent, in bytes. */
  readonly maxMessageBytes: number;
}

export function createServiceClients(options: ServiceClientsOptions): ServiceClients {
  const { schema, clock, identity, credentials, maxMessageBytes } = options;
  let channel: Client | undefined;
  const context = {
    schema,
    clock,
    metadata: identity.metadata,
    get channel() {
      if (channel === undefined) throw new Error("a service was called before the system knew its address");
      return channel;
    },
  };
  return {
    of: (definition) => createClient(definition, context),
    connect(address) {
      channel = new Client(address, credentials, {
        "grpc.max_receive_message_length": maxMessageBytes,
        "grpc.max_send_message_length": maxMessageBytes,
      });
    },
    close: () => channel?.close(),
  };
}
