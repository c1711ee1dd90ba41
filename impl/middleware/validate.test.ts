import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CallError } from "#impl/client/call-error.ts";
import { createClient } from "#impl/client/client.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { implement } from "#impl/runtime/service.ts";
import { Code } from "#impl/runtime/status.ts";
import { grpcFrame, rawConnection } from "#impl/runtime/testing/raw-client.ts";
import { ecommerceSchema, startTestServer, type TestServer } from "#impl/runtime/testing/test-server.ts";
import { ProductServiceDefinition } from "#proto/ecommerce/v1/product_service.ts";
import { GetUserResponse, UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { validate } from "./validate.ts";

const schema = ecommerceSchema();
let server: TestServer;
let channel: Client;
let reached = 0;
beforeAll(async () => {
  const reach = (): GetUserResponse => {
    reached += 1;
    return GetUserResponse.fromPartial({});
  };
  server = await startTestServer({
    schema,
    links: [validate(schema)],
    services: [
      implement(UserServiceDefinition, { getUser: reach }),
      implement(ProductServiceDefinition, {
        async importProducts(requests) {
          for await (const _ of requests) reached += 1;
          throw new Error("not part of this test");
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

test("a broken rule is INVALID_ARGUMENT that names field and rule, and the handler does not run", async () => {
  const client = createClient(UserServiceDefinition, { channel, schema, clock: systemClock });
  const error = await client
    .getUser({ userId: "not a uuid", readMask: undefined })
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CallError);
  expect(error).toMatchObject({
    code: Code.INVALID_ARGUMENT,
    reason: "INVALID_REQUEST",
    details: {
      badRequest: { fieldViolations: [{ field: "user_id", reason: expect.stringContaining("uuid") }] },
    },
  });
  expect(reached).toBe(0);
  await client.getUser({ userId: "019abcde-0000-7000-8000-000000000001", readMask: undefined });
  expect(reached).toBe(1);
});

test("a broken rule in a request stream ends the call at that message", async () => {
  const client = createClient(ProductServiceDefinition, { channel, schema, clock: systemClock });
  await expect(client.importProducts([{ content: undefined } as never])).rejects.toMatchObject({
    code: Code.INVALID_ARGUMENT,
  });
});

test("bytes that are no message are INVALID_ARGUMENT in every kind of call", async () => {
  await using raw = await rawConnection(server.address);
  for (const path of ["ecommerce.v1.UserService/GetUser", "ecommerce.v1.ProductService/ImportProducts"]) {
    const reply = await raw.call(`/${path}`, grpcFrame(Buffer.from([0x0a, 0x7f, 1])));
    expect(reply.headers["grpc-status"]).toBe("3");
  }
});
