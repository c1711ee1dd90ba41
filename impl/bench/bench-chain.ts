// The links of the benchmarks: all that a production configuration switches on, with log lines written to nowhere, and a token that they accept.
import { exportJWK, generateKeyPair } from "jose";
import { createTokenVerifier, REMEMBERED_TOKENS } from "#impl/auth/access-token.ts";
import { type SigningKey, signToken } from "#impl/auth/sign-token.ts";
import { keysOfSet } from "#impl/auth/trusted-keys.ts";
import { readConfig } from "#impl/config.ts";
import { createLinks } from "#impl/create-links.ts";
import { createMemoryBuckets } from "#impl/middleware/buckets.ts";
import type { LinkName } from "#impl/middleware/chain.ts";
import { CHAIN_ORDER } from "#impl/middleware/chain.ts";
import { verifiersOfTokens } from "#impl/middleware/testing/verifiers.ts";
import { createAudit } from "#impl/observability/audit.ts";
import { type LogOutput, openLogOutput } from "#impl/observability/log-output.ts";
import { createLogging } from "#impl/observability/logging.ts";
import { createMetrics } from "#impl/observability/metrics.ts";
import { createTracing } from "#impl/observability/tracing.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { systemRandom } from "#impl/runtime/ids.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import { userId } from "./user-answer.ts";

/** Limits that cost what they cost and refuse nothing: one caller makes all the calls, as fast as they go. */
const UNREACHED_LIMITS = {
  RATE_LIMIT_READ: "1000000/100000000",
  OVERLOAD_MIN_CALLS: "100000",
  OVERLOAD_MAX_CALLS: "100000",
  OVERLOAD_TURN_MS: "60000",
};

export interface BenchChain {
  /** The links with these names, in the order of the chain. */
  only(...names: readonly LinkName[]): Link[];
  readonly token: string;
  /** What signs the tokens. */
  readonly key: SigningKey;
  /** More tokens of the same caller than a verifier remembers: each is verified anew when they take turns. */
  tokens(): Promise<readonly string[]>;
  readonly output: LogOutput;
}

/** `settings`: default limits that nothing reaches. */
export async function createBenchChain(
  schema: Schema,
  settings: Readonly<Record<string, string>> = UNREACHED_LIMITS,
): Promise<BenchChain> {
  const config = readConfig({ CACHE_MAX_BYTES: String(1024 * 1024), ...settings });
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  const key: SigningKey = { keyId: "bench", privateKey };
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: key.keyId }] };
  const claims = { userId: userId(0), roles: [], permissions: ["users.read"], lifetimeSeconds: 3_600 };
  const output = openLogOutput({ destination: "/dev/null", clock: systemClock });
  const parts = {
    schema,
    logging: createLogging({ level: config.LOG_LEVEL, clock: systemClock, output }),
    metrics: createMetrics({ processMetrics: false }),
    tracing: createTracing({
      sampleRatio: config.TRACE_SAMPLE_RATIO,
      random: systemRandom,
      clock: systemClock,
      serviceName: "bench",
    }),
    audit: createAudit({ clock: systemClock, output }),
    verifiers: verifiersOfTokens(createTokenVerifier({ keys: keysOfSet(keys), clock: systemClock })),
    clock: systemClock,
    buckets: createMemoryBuckets({ clock: systemClock }),
    ownBuckets: createMemoryBuckets({ clock: systemClock }),
  };
  const sign = (index: number): Promise<string> =>
    signToken(key, { ...claims, tokenId: String(index) }, systemClock);
  return {
    only(...names) {
      const off = new Set(CHAIN_ORDER.filter((name) => !names.includes(name)));
      return createLinks(config, off, parts);
    },
    token: await sign(0),
    key,
    tokens: () => Promise.all(Array.from({ length: 1.2 * REMEMBERED_TOKENS }, (_, index) => sign(index))),
    output,
  };
}
