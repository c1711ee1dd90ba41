// Backends of the echo service and a gateway before them, each a real server; released together.
import { Client, credentials } from "@grpc/grpc-js";
import type { Vouch } from "#impl/auth/vouch.ts";
import type { BreakerOptions } from "#impl/client/breaker.ts";
import { CallError } from "#impl/client/call-error.ts";
import { type ClientOf, createClient } from "#impl/client/client.ts";
import { type Discovery, staticDiscovery } from "#impl/client/discovery.ts";
import { type Echo, type EchoOptions, startEcho } from "#impl/client/testing/echo.ts";
import { deadline } from "#impl/middleware/deadline.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import type { HandlersOf, ServiceImplementation } from "#impl/runtime/service.ts";
import {
  ECHO_SERVICE,
  echoDefinition,
  type TestMethod,
  testSchema,
} from "#impl/runtime/testing/echo-service.ts";
import { recordingLogger, startTestServer, type TestServer } from "#impl/runtime/testing/test-server.ts";
import { type Backends, type BackendsOptions, createBackends } from "../backends.ts";
import { forwarding } from "../forwarding.ts";

type Methods = Readonly<Record<string, TestMethod>>;
type Definition<M extends Methods> = ReturnType<typeof echoDefinition<M>>;

export interface Forwarded<M extends Methods> extends AsyncDisposable {
  readonly backend: Echo<M>;
  readonly gateway: TestServer;
  readonly backends: Backends;
  /** Calls the gateway. */
  readonly client: ClientOf<Definition<M>>;
  /** Calls the backend. */
  readonly direct: ClientOf<Definition<M>>;
}

/** A backend with these handlers, and a gateway that forwards to it. */
export async function startForwarded<const M extends Methods>(
  methods: M,
  handlers: Partial<HandlersOf<Definition<M>>>,
  options: EchoOptions = {},
  gatewayOptions: Pick<GatewayOptions, "links" | "limits" | "vouch"> = options,
): Promise<Forwarded<M>> {
  const backend = await startEcho(methods, handlers, options);
  const front = await startGateway(methods, staticDiscovery([backend.server.address]), gatewayOptions);
  return {
    ...front,
    backend,
    direct: backend.client,
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
    },
  };
}

export interface GatewayOptions
  extends Pick<EchoOptions, "links" | "limits">,
    Pick<BackendsOptions, "balancer" | "maxConnections" | "tls"> {
  readonly breaker?: Partial<BreakerOptions>;
  /** Default none: for gateways that verify nobody. */
  readonly vouch?: Vouch;
}

export interface Gateway<M extends Methods> extends AsyncDisposable {
  readonly gateway: TestServer;
  readonly backends: Backends;
  readonly client: ClientOf<Definition<M>>;
}

export async function startGateway<const M extends Methods>(
  methods: M,
  discovery: Discovery,
  { links, limits = {}, breaker = {}, vouch = vouchesForNobody, ...choice }: GatewayOptions = {},
): Promise<Gateway<M>> {
  const schema: Schema = testSchema(methods);
  const backends = createBackends({
    discoveryOf: () => discovery,
    services: [ECHO_SERVICE],
    breaker,
    ...choice,
    clock: systemClock,
    random: () => 0.5,
    log: recordingLogger([]),
    maxMessageBytes: limits.maxMessageBytes ?? 4 * 1024 * 1024,
  });
  const implementation: ServiceImplementation = forwarding(schema, backends, new Set([ECHO_SERVICE]), vouch);
  const inner: readonly Link[] = links?.(schema) ?? [];
  const gateway = await startTestServer({
    schema,
    services: [implementation],
    links: [deadline({ maxDeadlineMs: 60_000 }), ...inner],
    limits,
  });
  const channel = new Client(gateway.address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_receive_message_length": -1,
    "grpc.enable_retries": 0,
  });
  return {
    gateway,
    backends,
    client: createClient(echoDefinition(methods), { channel, schema, clock: systemClock }),
    async [Symbol.asyncDispose]() {
      channel.close();
      await gateway.drain();
      await backends.close();
    },
  };
}

function vouchesForNobody(): never {
  throw new Error("this gateway verifies nobody");
}

/** The failure of a call that must fail. */
export const failureOf = (call: Promise<unknown>): Promise<CallError> =>
  call.then(
    () => {
      throw new Error("the call did not fail");
    },
    (error: unknown) => {
      if (error instanceof CallError) return error;
      throw error;
    },
  );
