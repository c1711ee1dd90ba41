// A server of the echo service and a client of it, joined by a real connection; released together.
import { type ChannelCredentials, Client, credentials } from "@grpc/grpc-js";
import { systemClock } from "#impl/runtime/clock.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import { type HandlersOf, implement } from "#impl/runtime/service.ts";
import {
  ECHO_SERVICE,
  echoDefinition,
  type TestMethod,
  testSchema,
} from "#impl/runtime/testing/echo-service.ts";
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from "#impl/runtime/testing/test-server.ts";
import { type ClientOf, createClient } from "../client.ts";

type Methods = Readonly<Record<string, TestMethod>>;
type Definition<M extends Methods> = ReturnType<typeof echoDefinition<M>>;

export interface Echo<M extends Methods> extends AsyncDisposable {
  readonly server: TestServer;
  readonly schema: Schema;
  readonly channel: Client;
  readonly client: ClientOf<Definition<M>>;
}

export interface EchoOptions extends Omit<TestServerOptions, "schema" | "services" | "links"> {
  /** Default: plaintext. */
  readonly channelCredentials?: ChannelCredentials;
  readonly links?: (schema: Schema) => TestServerOptions["links"] & object;
}

export async function startEcho<const M extends Methods>(
  methods: M,
  handlers: Partial<HandlersOf<Definition<M>>>,
  options: EchoOptions = {},
): Promise<Echo<M>> {
  const { links, channelCredentials = credentials.createInsecure(), ...rest } = options;
  const definition = echoDefinition(methods);
  const schema = testSchema(methods);
  const server = await startTestServer({
    ...rest,
    schema,
    services: [implement(definition, handlers)],
    links: links?.(schema) ?? [],
  });
  const channel = new Client(server.address, channelCredentials, {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_receive_message_length": -1,
    "grpc.enable_retries": 0,
    "grpc.initial_reconnect_backoff_ms": 100,
  });
  return {
    server,
    schema,
    channel,
    client: createClient(definition, { channel, schema, clock: systemClock }),
    async [Symbol.asyncDispose]() {
      channel.close();
      await server.drain();
    },
  };
}

/** The wire path of a method of the echo service. */
export const echoPath = (name: string): string => `/${ECHO_SERVICE}/${name}`;
