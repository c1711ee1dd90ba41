// The whole system in this process, on a database of its own, as a test of all its services needs it; gone when the file has ended.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll } from "vitest";
import { signToken, type TokenClaims } from "../auth/sign-token.ts";
import { boot, type RunningSystem } from "../boot.ts";
import { readConfig } from "../config.ts";
import { openSigningKeys } from "../open-keys.ts";
import { systemClock } from "../runtime/clock.ts";
import { SERVICE_PREFIX } from "../runtime/principal.ts";
import { testDatabase } from "../storage/testing/test-database.ts";

export interface TestSystem {
  readonly system: RunningSystem;
  readonly channel: Client;
  /** To which security events are written. */
  readonly auditFile: string;
  /** Metadata of a call by this user, or service, with these permissions, signed once. A lifetime below 0 is one that is over. */
  bearer(
    userId: string,
    permissions: readonly string[],
    lifetimeSeconds?: number,
  ): Promise<Readonly<Record<string, string>>>;
}

/** A test makes all its calls at once and from one address, on a machine that is busy with other tests. */
const NO_LIMITS = {
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
  const { service, development } = await openSigningKeys(config);
  const signed = new Map<string, Promise<string>>();
  const sign = (claims: Pick<TokenClaims, "userId" | "permissions" | "lifetimeSeconds">): Promise<string> => {
    const key = claims.userId.startsWith(SERVICE_PREFIX) ? service : development;
    if (key === undefined) throw new Error("the system signs no tokens itself");
    const name = JSON.stringify(claims);
    const token = signed.get(name) ?? signToken(key.signing, { ...claims, roles: [] }, systemClock);
    signed.set(name, token);
    return token;
  };
  return {
    system,
    channel,
    auditFile,
    async bearer(userId, permissions, lifetimeSeconds = 3_600) {
      return { authorization: `Bearer ${await sign({ userId, permissions, lifetimeSeconds })}` };
    },
  };
}
