// The system as a process of its own that tells everything it has to tell: all its log lines, and the spans of every call.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { DEVELOPMENT_KEY_FILE, keptKey } from "../auth/key-set.ts";
import type { SigningKey } from "../auth/sign-token.ts";
import { testDatabase } from "../storage/testing/test-database.ts";

export interface SystemProcess {
  /** "host:port" of gRPC. */
  readonly address: string;
  /** What it believes tokens of. */
  readonly signing: SigningKey;
  /** Stops it, and gives what it wrote until its end. */
  stop(): Promise<Telling>;
}

export interface Telling {
  readonly log: string;
  readonly audit: string;
  /** Bodies of OTLP requests, as JSON. */
  readonly spans: string;
}

/** Call it at the top of a test file: whatever comes of the tests, the process ends with them. */
export async function startSystemProcess(): Promise<SystemProcess> {
  const { url } = await testDatabase();
  const folder = await mkdtemp(join(tmpdir(), "system-process-"));
  const collector = await startCollector();
  const child = spawn(process.execPath, [fileURLToPath(new URL("../main.ts", import.meta.url))], {
    env: {
      ...process.env,
      DATABASE_URL: url,
      DATA_DIR: folder,
      GRPC_PORT: "0",
      ADMIN_PORT: "0",
      LOG_LEVEL: "debug",
      DEVELOPMENT_TOKEN: "1",
      AUDIT_FILE: join(folder, "audit.log"),
      TRACE_SAMPLE_RATIO: "1",
      OTLP_ENDPOINT: collector.url,
      // Nobody listens there, and no process is started for it.
      PAYMENT_PROVIDER_URL: "http://127.0.0.1:9",
      PAYMENT_PROVIDER_API_KEY: "sk_test_key",
      PAYMENT_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32).toString("base64")}`,
      DRAIN_GRACE_MS: "500",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let log = "";
  const ready = Promise.withResolvers<string>();
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    log += chunk;
    const address = /^ready grpc=(\S+)/m.exec(log)?.[1];
    if (address !== undefined) ready.resolve(address);
  });
  void exited.then(() => ready.reject(new Error(`the system ended at its start: ${log}`)));
  afterAll(async () => {
    child.kill("SIGKILL");
    await exited;
    await collector.close();
    await rm(folder, { recursive: true });
  });
  const address = await ready.promise;
  return {
    address,
    signing: (await keptKey(join(folder, DEVELOPMENT_KEY_FILE))).signing,
    async stop() {
      child.kill("SIGTERM");
      await exited;
      const audit = await readFile(join(folder, "audit.log"), "utf8");
      return { log, audit, spans: collector.bodies.join("\n") };
    },
  };
}

interface Collector {
  readonly url: string;
  readonly bodies: readonly string[];
  close(): Promise<void>;
}

async function startCollector(): Promise<Collector> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(await text(request));
    response.end("{}");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1/traces`,
    bodies,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
