import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type DevelopmentCertificates,
  makeDevelopmentCertificates,
} from "#impl/auth/development-certificates.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { channelCredentials } from "./channel-credentials.ts";
import { allReady, type Servers, startServers } from "./testing/client-fixture.ts";

const methods = { unary: {} } as const;
let folder: string;
let files: DevelopmentCertificates;
let shop: Servers<typeof methods>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "secure-client-"));
  files = await makeDevelopmentCertificates(folder, { hosts: [], now: systemClock.now() });
  const [cert_chain, private_key] = await Promise.all([
    readFile(files.serverCert),
    readFile(files.serverKey),
  ]);
  const credentials = ServerCredentials.createSsl(null, [{ cert_chain, private_key }]);
  shop = await startServers(2, methods, () => ({ unary: (request) => request }), { credentials });
});
afterAll(async () => {
  await shop[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

test("every endpoint proves the name under which it is called", async () => {
  const addresses = shop.servers.map(({ server }) => `localhost:${server.port}`);
  const { client, echo } = shop.connect({
    addresses,
    credentials: channelCredentials({ caFile: files.ca }),
  });
  await allReady(client);
  expect(await echo.unary("a")).toBe("a");
});

test("one that proves another name is not called", async () => {
  const { echo } = shop.connect({
    credentials: channelCredentials({ caFile: files.ca, serverName: "shop.example.com" }),
    retry: false,
  });
  await expect(echo.unary("a")).rejects.toMatchObject({
    code: Code.UNAVAILABLE,
    reason: "NO_CONNECTION",
    message: expect.stringContaining("shop.example.com"),
  });
});
