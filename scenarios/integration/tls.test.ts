// Claim: with the certificates of `make certs` the shop serves over TLS and to nobody without it, and with an authority for clients it lets
// in only clients that show a certificate.
import { execFile } from "node:child_process";
import { mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type ChannelCredentials, Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { expect, inject, onTestFinished, test } from "vitest";
import { type RunningSystem, repositoryRoot, startSystem } from "#harness/sut/start-system.ts";
import { Code } from "#proto/google/rpc/code.ts";
import { scenarioDatabase } from "../scenario-database.ts";

const PATIENCE_MS = 5_000;
const TIMEOUT_MS = 60_000;

/** The status of a health check; OK only when it was answered. */
async function check({ grpc }: RunningSystem, channelCredentials: ChannelCredentials): Promise<number> {
  const client = new Client(`localhost:${grpc.port}`, channelCredentials);
  const { path, requestSerialize, responseDeserialize } = healthService.Check as never as {
    path: string;
    requestSerialize: (request: object) => Buffer;
    responseDeserialize: (bytes: Buffer) => unknown;
  };
  try {
    const deadline = Date.now() + PATIENCE_MS;
    return await new Promise((resolve) => {
      const done = (error: ServiceError | null) => resolve(error?.code ?? Code.OK);
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { service: "" },
        { deadline },
        done,
      );
    });
  } finally {
    client.close();
  }
}

test("TLS, and TLS with certificates of clients", { timeout: TIMEOUT_MS }, async () => {
  const folder = await mkdtemp(join(inject("scratch"), "tls-"));
  const certificates = join(folder, "certs");
  const make = promisify(execFile)(process.execPath, ["impl/make-certs.ts", certificates], {
    cwd: repositoryRoot,
  });
  const { stdout } = await make;
  const settings = Object.fromEntries(
    [...stdout.matchAll(/(TLS_\w+)=(\S+)/g)].map(([, name, file]) => [name, file]),
  );
  const { TLS_CA_FILE: ca = "" } = settings;
  const [, clientCertificate = ""] = /such as (\S+)/.exec(stdout) ?? [];
  const { TLS_CLIENT_CA_FILE, ...oneSided } = settings;
  const start = async (name: string, env: Record<string, string>): Promise<RunningSystem> => {
    const system = await startSystem({
      name,
      env: {
        DATABASE_URL: await scenarioDatabase(),
        DATA_DIR: join(folder, name),
        LOG_LEVEL: "error",
        SERVICES: "registry",
        ...env,
      },
    });
    onTestFinished(async () => {
      await system.stop();
    });
    return system;
  };
  const authority = await readFile(ca);
  const anyone = credentials.createSsl(authority);
  const known = credentials.createSsl(
    authority,
    await readFile(clientCertificate.replace(/\.crt$/, ".key")),
    await readFile(clientCertificate),
  );
  const open = await start("tls", oneSided);
  expect(await check(open, anyone)).toBe(Code.OK);
  expect(await check(open, credentials.createInsecure())).toBe(Code.UNAVAILABLE);
  expect(await check(open, credentials.createSsl())).toBe(Code.UNAVAILABLE);

  const closed = await start("mtls", { ...oneSided, TLS_CLIENT_CA_FILE: TLS_CLIENT_CA_FILE ?? "" });
  expect(await check(closed, known)).toBe(Code.OK);
  expect(await check(closed, anyone)).toBe(Code.UNAVAILABLE);
});
