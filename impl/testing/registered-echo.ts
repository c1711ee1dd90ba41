// A process of the echo service that registers itself: `unary` answers with its request, `expand` counts on from its request for ever.
// SIGTERM drains it, as it does the whole system.
import { Client, credentials } from "@grpc/grpc-js";
import { RegistryServiceDefinition } from "#proto/ecommerce/v1/registry.ts";
import { createClient } from "../client/client.ts";
import { keepRegistered } from "../register-instance.ts";
import { sleep, systemClock } from "../runtime/clock.ts";
import { newId } from "../runtime/ids.ts";
import { implement } from "../runtime/service.ts";
import { ECHO_SERVICE, echoDefinition, testSchema } from "../runtime/testing/echo-service.ts";
import { ecommerceSchema, recordingLogger, startTestServer } from "../runtime/testing/test-server.ts";

const STEP_MS = 2;
const [registry = ""] = process.argv.slice(2);
const methods = { unary: {}, expand: { responseStream: true } } as const;
const server = await startTestServer({
  schema: testSchema(methods),
  services: [
    implement(echoDefinition(methods), {
      unary: (request) => request,
      async *expand(request, call) {
        for (let next = Number(request) + 1; ; next++) {
          yield String(next);
          await sleep(systemClock, STEP_MS, call.signal);
        }
      },
    }),
  ],
  record: false,
});
const channel = new Client(registry, credentials.createInsecure());
const registration = keepRegistered({
  client: createClient(RegistryServiceDefinition, {
    channel,
    schema: ecommerceSchema(),
    clock: systemClock,
  }),
  instance: {
    instanceId: newId(),
    services: [ECHO_SERVICE],
    host: "127.0.0.1",
    port: server.port,
    weight: 0,
    zone: "",
    version: "",
    labels: {},
  },
  leaseMs: 15_000,
  ready: () => true,
  clock: systemClock,
  log: recordingLogger([]),
});
await new Promise((resolve) => process.once("SIGTERM", resolve));
await registration.drain();
await server.drain();
await registration.end();
channel.close();
