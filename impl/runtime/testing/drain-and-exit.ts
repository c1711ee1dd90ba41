// A process that starts a server, makes calls, opens what stays open, drains and then has nothing left to do: it must exit by itself.
import { Client, credentials } from "@grpc/grpc-js";
import { systemClock } from "../clock.ts";
import { implement } from "../service.ts";
import { echoDefinition, testSchema } from "./echo-service.ts";
import { startTestServer } from "./test-server.ts";

const methods = { unary: {}, stuck: { responseStream: true } } as const;
const schema = testSchema(methods);
const server = await startTestServer({
  schema,
  services: [
    implement(echoDefinition(methods), {
      unary: (request) => request,
      async *stuck() {
        yield "one";
        // Ignores its signal, and holds nothing that keeps a process alive.
        await new Promise(() => {});
      },
    }),
  ],
  limits: { drainDelayMs: 10, drainGraceMs: 200 },
});
const channel = new Client(server.address, credentials.createInsecure());
const identity = (bytes: Buffer): Buffer => bytes;
const stuck = channel.makeServerStreamRequest(
  "/testing.v1.EchoService/stuck",
  identity,
  identity,
  Buffer.of(),
  {},
);
stuck.on("error", () => {});
await new Promise((resolve) => stuck.once("data", resolve));
const watch = channel.makeServerStreamRequest(
  "/grpc.health.v1.Health/Watch",
  identity,
  identity,
  Buffer.of(),
  {},
);
watch.on("error", () => {});
await new Promise((resolve) => watch.once("data", resolve));
channel.makeUnaryRequest(
  "/testing.v1.EchoService/unary",
  identity,
  identity,
  Buffer.of(),
  { deadline: systemClock.now() + 60_000 },
  () => {},
);
stuck.resume();
watch.resume();
await server.drain();
channel.close();
process.stdout.write(`drained, ${server.openCalls} open\n`);
