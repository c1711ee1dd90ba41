import { Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generatorCandidate, measureGeneratorCost } from "./generator-cost.ts";
import { createGrpcJsDriver } from "./grpc-js-driver.ts";
import { type FixedServer, startFixedServer } from "./testing/start-fixed-server.ts";
import { connectWireDriver } from "./wire-driver.ts";

const path = "/test.Fixed/Get";
const message = Buffer.alloc(40);
let server: FixedServer;

beforeAll(async () => {
  server = await startFixedServer();
});
afterAll(() => server.stop());

test("the wire driver spreads calls over its connections, counts bytes, and reports the server's status", async () => {
  const driver = await connectWireDriver({ host: "127.0.0.1", port: server.port, connections: 3 });
  const request = driver.prepare({ path, message });
  const before = driver.wireBytes();
  const statuses = await Promise.all(
    Array.from({ length: 9 }, () => new Promise((resolve) => driver.send(request, resolve))),
  );
  const after = driver.wireBytes();
  await driver.close();
  expect(statuses).toEqual(new Array(9).fill(0));
  expect(after.sent - before.sent).toBeGreaterThan(9 * message.length);
  expect(after.received - before.received).toBeGreaterThan(9 * 248);
});

test("calls on a connection that is gone end without a status", async () => {
  const driver = await connectWireDriver({ host: "127.0.0.1", port: server.port });
  await driver.close();
  expect(await new Promise((resolve) => driver.send(driver.prepare({ path, message }), resolve))).toBe(-1);
});

test("a server that is not there is an error, not a driver", async () => {
  await expect(connectWireDriver({ host: "127.0.0.1", port: 1 })).rejects.toThrow();
});

test("the cost of two drivers is measured turn by turn against one server", async () => {
  const wire = await connectWireDriver({ host: "127.0.0.1", port: server.port });
  const grpcJs = createGrpcJsDriver(`127.0.0.1:${server.port}`);
  const prepared = wire.prepare({ path, message });
  const unprepared = { path, message, metadata: new Metadata() };
  const shares = await measureGeneratorCost({
    candidates: [
      generatorCandidate({ name: "wire", driver: wire, request: () => prepared }),
      generatorCandidate({ name: "grpc-js", driver: grpcJs, request: () => unprepared }),
    ],
    turnMs: 400,
    rounds: 2,
  });
  await wire.close();
  grpcJs.close();
  expect(shares.map((share) => share.name)).toEqual(["wire", "grpc-js"]);
  expect(shares[0]?.firstRelativeToThis).toBe(1);
  for (const share of shares) expect(share.calls).toBeGreaterThan(0);
});
