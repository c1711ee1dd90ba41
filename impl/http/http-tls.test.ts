// HTTPS with the credentials of the gRPC port: the same files, asked for the same client certificates, and replaced together.
import { once } from "node:events";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import {
  type DevelopmentCertificates,
  makeDevelopmentCertificates,
} from "#impl/auth/development-certificates.ts";
import { openServerCredentials, type ServerTls } from "#impl/auth/server-credentials.ts";
import { createErrorBoundary } from "#impl/runtime/boundary.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { DEFAULT_LIMITS } from "#impl/runtime/server.ts";
import { ecommerceSchema, recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { startHttpServer } from "./http-server.ts";

let folder: string;
let ours: DevelopmentCertificates;
let renewed: DevelopmentCertificates;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "http-tls-"));
  const now = systemClock.now();
  ours = await makeDevelopmentCertificates(join(folder, "ours"), { hosts: [], now });
  renewed = await makeDevelopmentCertificates(join(folder, "renewed"), { hosts: [], now });
});
afterAll(() => rm(folder, { recursive: true }));

/** The port of a server without methods. */
async function serve(files: Partial<ServerTls>): Promise<number> {
  const log = recordingLogger([]);
  const tls = await openServerCredentials(
    {
      certFile: ours.serverCert,
      keyFile: ours.serverKey,
      minVersion: "TLSv1.2",
      reloadMs: 5,
      ...files,
    },
    { clock: systemClock, log },
  );
  onTestFinished(() => tls.stop());
  const http = await startHttpServer({
    schema: ecommerceSchema(),
    methods: new Map(),
    environment: {
      clock: systemClock,
      log,
      boundary: createErrorBoundary({ domain: "testing.example.com" }),
    },
    onCall: () => {},
    host: "127.0.0.1",
    port: 0,
    corsOrigins: [],
    documents: new Map([["/document", "{}"]]),
    limits: DEFAULT_LIMITS,
    tls: tls.options,
  });
  tls.onReplace((options) => http.setTls(options));
  onTestFinished(() => {
    http.cut();
    return http.close();
  });
  return Number(http.address.split(":")[1]);
}

async function ask(
  port: number,
  secure: SecureContextOptions & { readonly rejectUnauthorized?: boolean },
): Promise<{ body: string; shown: string }> {
  const request = get(`https://localhost:${port}/document`, { ...secure, agent: false, family: 4 });
  const [response] = await once(request, "response");
  const shown = (response.socket as TLSSocket).getPeerCertificate().fingerprint256;
  return { body: await text(response), shown };
}

test("a caller that trusts the authority is served, and another is not", async () => {
  const port = await serve({});
  expect((await ask(port, { ca: await readFile(ours.ca) })).body).toBe("{}");
  await expect(ask(port, { ca: await readFile(renewed.ca) })).rejects.toThrow("certificate");
});

test("a client certificate that is asked for lets its owner in, and nobody else", async () => {
  const port = await serve({ clientCaFile: ours.ca });
  const [ca, cert, key] = await Promise.all(
    [ours.ca, ours.clientCert, ours.clientKey].map((f) => readFile(f)),
  );
  if (ca === undefined || cert === undefined || key === undefined) throw new Error("a file is missing");
  expect((await ask(port, { ca, cert, key })).body).toBe("{}");
  await expect(ask(port, { ca })).rejects.toThrow();
});

test("new connections get the certificate that replaced the first one", async () => {
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  await copyFile(ours.serverCert, certFile);
  await copyFile(ours.serverKey, keyFile);
  const port = await serve({ certFile, keyFile });
  // The authorities have one name and two keys, which no client can tell apart.
  const anybody = { rejectUnauthorized: false };
  const { shown } = await ask(port, anybody);
  await copyFile(renewed.serverCert, certFile);
  await copyFile(renewed.serverKey, keyFile);
  await vi.waitUntil(async () => (await ask(port, anybody)).shown !== shown, {
    interval: 10,
    timeout: 5_000,
  });
});
