// The whole system in this process, on a database of its own, as a test of all its services needs it; gone when the file has ended.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll } from "vitest";
import { boot, type RunningSystem } from "../boot.ts";
import { readConfig } from "../config.ts";
import { testDatabase } from "../storage/testing/test-database.ts";
import { type Bearer, bearerTokens } from "./bearer-tokens.ts";

export interface TestSystem {
  readonly system: RunningSystem;
  readonly channel: Client;
  /** To which security events are written. */
  readonly auditFile: string;
  readonly bearer: Bearer;
}

/** A test makes all its calls at once and from one address, on a machine that is busy with other tests. */
export const NO_LIMITS = {
  RATE_LIMIT_READ: "0",
  RATE_LIMIT_SEARCH: "0",
  RATE_LIMIT_WRITE: "0",
  RATE_LIMIT_BULK: "0",
  RATE_LIMIT_STREAM: "0",
  RATE_LIMIT_CREDENTIALS: "0",
  RATE_LIMIT_WRONG_CREDENTIALS: "0",
  OVERLOAD_MIN_CALLS: "1000",
  OVERLOAD_TURN_MS: "60000",
};

/** Call it at the top of a test file. `settings` are of configuration. */
export async function startTestSystem(settings: Readonly<Record<string, string>> = {}): Promise<TestSystem> {
  const { url } = await testDatabase();
  const folder = await mkdtemp(join(tmpdir(), "test-system-"));
  const auditFile = join(folder, "audit.log");
  const config = readConfig({
    DATABASE_URL: url,
    DATA_DIR: folder,
    GRPC_PORT: "0",
    ADMIN_PORT: "0",
    LOG_LEVEL: "silent",
    AUDIT_FILE: auditFile,
    DEVELOPMENT_TOKEN: "1",
    DRAIN_GRACE_MS: "1000",
    // Nobody listens there, and no process is started for it.
    PAYMENT_PROVIDER_URL: "http://127.0.0.1:9",
    PAYMENT_PROVIDER_API_KEY: "sk_test_key",
    PAYMENT_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32).toString("base64")}`,
    ...NO_LIMITS,
    ...settings,
  });
  const system = await boot(config);
  const channel = new Client(system.grpc, credentials.createInsecure());
  afterAll(async () => {
    channel.close();
    await system.stop();
    await rm(folder, { recursive: true });
  });
  return {
    system,
    channel,
    auditFile,
    bearer: await bearerTokens(config),
  };
}
