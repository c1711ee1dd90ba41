import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { findRedisServer, startRedisServer } from "./redis-server.ts";

const file = await findRedisServer(process.env.PATH ?? "");

test("a program that is not there is not found", async () => {
  expect(await findRedisServer("/no/such/folder:")).toBeUndefined();
});

test.skipIf(file === undefined)("a Redis of one's own answers until it is stopped", async () => {
  const server = await startRedisServer(file ?? "");
  const redis = new Redis(server.url, { retryStrategy: () => null });
  redis.on("error", () => {});
  expect(await redis.ping()).toBe("PONG");
  await server.stop();
  await expect.poll(() => redis.status).toBe("end");
});

test("a program that ends instead of serving is an error with its last words", async () => {
  await expect(startRedisServer("/bin/echo")).rejects.toThrow(/ended with exit code 0\n--port/);
});
