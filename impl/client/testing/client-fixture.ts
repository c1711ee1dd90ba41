// A client of echo servers, several of them, joined by real connections; released together.
import type { Call } from "#impl/runtime/call.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import { echoDefinition, type TestMethod } from "#impl/runtime/testing/echo-service.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import type { ClientOf } from "../client.ts";
import type { ClientEvent } from "../client-events.ts";
import { type BaseClient, createBaseClient, type EcommerceClientOptions } from "../ecommerce-client.ts";
import { type Echo, type EchoOptions, startEcho } from "./echo.ts";

type Methods = Readonly<Record<string, TestMethod>>;
type Definition<M extends Methods> = ReturnType<typeof echoDefinition<M>>;

export interface Servers<M extends Methods> extends AsyncDisposable {
  readonly servers: ReadonlyArray<Echo<M>>;
  readonly addresses: readonly string[];
  readonly schema: Schema;
  /** A client of all servers; closed with them. */
  connect(options?: Partial<EcommerceClientOptions>): Connected<M>;
}

export interface Connected<M extends Methods> {
  readonly client: BaseClient;
  readonly echo: ClientOf<Definition<M>>;
  readonly events: ClientEvent[];
}

/** `handlers` are made for each server, by its number from 0. All serve from the start. */
export async function startServers<const M extends Methods>(
  count: number,
  methods: M,
  handlers: (server: number) => Partial<HandlersOf<Definition<M>>>,
  options: EchoOptions = {},
): Promise<Servers<M>> {
  const servers = await Promise.all(
    Array.from({ length: count }, (_, index) => startEcho(methods, handlers(index), options)),
  );
  for (const { server } of servers) server.health.set("", "SERVING");
  const addresses = servers.map(({ server }) => server.address);
  const [first] = servers;
  if (first === undefined) throw new RangeError("at least one server is needed");
  const clients: BaseClient[] = [];
  return {
    servers,
    addresses,
    schema: first.schema,
    connect(given = {}) {
      const events: ClientEvent[] = [];
      const client = createBaseClient({
        schema: first.schema,
        ...("discovery" in given ? {} : { addresses }),
        onEvent: (event) => events.push(event),
        ...given,
      });
      clients.push(client);
      return { client, echo: client.of(echoDefinition(methods)), events };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close()));
      await Promise.all(servers.map((echo) => echo[Symbol.asyncDispose]()));
    },
  };
}

/** Resolves when the client holds every connection it means to, and every endpoint serves. */
export async function allReady(client: BaseClient): Promise<void> {
  await client.connect();
  await until(() =>
    client
      .stats()
      .every(
        ({ health, connections }) =>
          health === "serving" && connections.every(({ state }) => state === "ready"),
      ),
  );
}

/** A handler's promise that ends with its call, never by itself. */
export function hang(call: Call): Promise<never> {
  return new Promise((_, reject) => call.signal.addEventListener("abort", () => reject(call.signal.reason)));
}
