// The links that refuse calls for their number, from configuration.
import type { Config } from "./config.ts";
import { type CredentialVerifiers, SCHEME } from "./middleware/authenticate.ts";
import type { ChainLinks } from "./middleware/chain.ts";
import { guessing } from "./middleware/guessing.ts";
import { overload } from "./middleware/overload.ts";
import { type RateClassName, rateLimit } from "./middleware/rate-limit.ts";
import type { Metrics } from "./observability/metrics.ts";
import type { OpenBuckets } from "./open-buckets.ts";
import type { Call } from "./runtime/call.ts";
import type { Clock } from "./runtime/clock.ts";
import { API_KEY, AUTHORIZATION } from "./runtime/principal.ts";

export interface LimitParts extends OpenBuckets {
  readonly metrics: Metrics;
  readonly verifiers: CredentialVerifiers;
  readonly clock: Clock;
}

export function limitLinks(
  config: Config,
  { metrics, verifiers, clock, buckets, ownBuckets }: LimitParts,
): Pick<ChainLinks, "overload" | "guessing" | "rate"> {
  const { refused } = metrics.rates;
  const onRefused = (rateClass: string): void => {
    refused.set(rateClass, (refused.get(rateClass) ?? 0) + 1);
  };
  const isVerified = ({ metadata }: Call): boolean => {
    const apiKey = metadata.get(API_KEY);
    if (apiKey !== undefined) return verifiers.apiKey.remembers?.(apiKey) ?? false;
    const token = metadata.get(AUTHORIZATION)?.slice(SCHEME.length) ?? "";
    return verifiers.token.remembers?.(token) ?? false;
  };
  const bounds = { min: config.OVERLOAD_MIN_CALLS, max: config.OVERLOAD_MAX_CALLS };
  if (bounds.min > bounds.max) {
    throw new Error(`OVERLOAD_MIN_CALLS=${bounds.min}: must be at most OVERLOAD_MAX_CALLS, ${bounds.max}`);
  }
  const wrong = config.RATE_LIMIT_WRONG_CREDENTIALS;
  return {
    overload: [
      overload({
        clock,
        calls: bounds,
        maxStreams: config.OVERLOAD_MAX_STREAMS,
        turnMs: config.OVERLOAD_TURN_MS,
        load: metrics.load,
      }),
    ],
    guessing:
      wrong === undefined ? [] : [guessing({ failures: ownBuckets.space(wrong), isVerified, onRefused })],
    rate: [
      rateLimit({
        buckets,
        limits: {
          read: config.RATE_LIMIT_READ,
          search: config.RATE_LIMIT_SEARCH,
          write: config.RATE_LIMIT_WRITE,
          bulk: config.RATE_LIMIT_BULK,
          stream: config.RATE_LIMIT_STREAM,
          credentials: config.RATE_LIMIT_CREDENTIALS,
        } satisfies Record<RateClassName, unknown>,
        unlimited: new Set(config.RATE_LIMIT_UNLIMITED.split(",").map((account) => account.trim())),
        onRefused,
      }),
    ],
  };
}
