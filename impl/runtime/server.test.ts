import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "#impl/client/client.ts";
import { systemClock } from "./clock.ts";
import { implement } from "./service.ts";
import { echoDefinition, testSchema } from "./testing/echo-service.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

const methods = {
  unary: {},
  expand: { responseStream: true },
  collect: { requestStream: true },
  chat: { requestStream: true, responseStream: true },
} as const;
const definition = echoDefinition(methods);
const schema = testSchema(methods);

let server: TestServer;
let channel: Client;
beforeAll(async () => {
  server = await startTestServer({
    schema,
    services: [
      implement(definition, {
        unary: async (request) => `<${request}>`,
        async *expand(request) {
          for (const character of request) yield character;
        },
        async collect(requests) {
          let all = "";
          for await (const request of requests) all += request;
          return all;
        },
        async *chat(requests) {
          for await (const request of requests) yield request.toUpperCase();
        },
      }),
    ],
  });
  channel = new Client(server.address, credentials.createInsecure());
});
afterAll(async () => {
  channel.close();
  await server.drain();
});

test("the four kinds of calls work", async () => {
  const client = createClient(definition, { channel, schema, clock: systemClock });
  expect(await client.unary("hello")).toBe("<hello>");
  expect(await Array.fromAsync(client.expand("abc"))).toEqual(["a", "b", "c"]);
  expect(await client.collect(["a", "b"])).toBe("ab");
  expect(await Array.fromAsync(client.chat(["a", "b"]))).toEqual(["A", "B"]);
});
