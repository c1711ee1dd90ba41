import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ecommerceSchema, startTestServer, type TestServer } from "./testing/test-server.ts";

const BUF = fileURLToPath(new URL("../../node_modules/.bin/buf", import.meta.url));
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ schema: ecommerceSchema(), services: [] });
});
afterAll(() => server.drain());

/** An independent client, which knows nothing but what reflection tells it. */
async function curl(...args: string[]): Promise<string> {
  const base = ["curl", "--protocol", "grpc", "--http2-prior-knowledge"];
  const { stdout, stderr } = await promisify(execFile)(BUF, [...base, ...args]).catch((error) => error);
  return `${stdout}${stderr}`;
}

test("reflection lists exactly the services of the schema", async () => {
  const listed = await curl("--list-services", `http://${server.address}`);
  expect(listed.trim().split("\n").sort()).toEqual([...ecommerceSchema().services].sort());
});

test("reflection describes a method well enough to call it", async () => {
  const answer = await curl(
    "-d",
    '{"user_id": "x"}',
    `http://${server.address}/ecommerce.v1.UserService/GetUser`,
  );
  expect(answer).toContain("unimplemented");
  expect(answer).toContain("/ecommerce.v1.UserService/GetUser is not implemented");
  const wrong = await curl(
    "-d",
    '{"no_such_field": 1}',
    `http://${server.address}/ecommerce.v1.UserService/GetUser`,
  );
  expect(wrong).toContain("no_such_field");
});
