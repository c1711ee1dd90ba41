import { expect, test } from "vitest";
import { startEcho } from "#impl/client/testing/echo.ts";
import { createHealth } from "./health.ts";
import { ECHO_SERVICE } from "./testing/echo-service.ts";

const identity = (bytes: Buffer): Buffer => bytes;

test("each service has its own status, starting with NOT_SERVING, and an unknown one is NOT_FOUND", async () => {
  await using echo = await startEcho({ unary: {} }, {});
  const check = (service: string): Promise<number | string> =>
    new Promise((resolve) => {
      const request = Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);
      echo.channel.makeUnaryRequest(
        "/grpc.health.v1.Health/Check",
        identity,
        identity,
        request,
        {},
        (error, reply) => resolve(error === null ? (reply?.[1] ?? 0) : error.code),
      );
    });
  expect([await check(""), await check(ECHO_SERVICE), await check("nobody.v1.Knows")]).toEqual([2, 2, 5]);
  echo.server.health.set(ECHO_SERVICE, "SERVING");
  expect([await check(""), await check(ECHO_SERVICE)]).toEqual([2, 1]);
  echo.server.health.set("", "SERVING");
  echo.server.health.set(ECHO_SERVICE, "NOT_SERVING");
  expect([await check(""), await check(ECHO_SERVICE)]).toEqual([1, 2]);
});

test("a status of no service is refused", () => {
  expect(() => createHealth(["a.v1.A"]).set("a.v1.B", "SERVING")).toThrow('"a.v1.B" is not a service');
});
