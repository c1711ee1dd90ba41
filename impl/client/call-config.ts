// How often a method may be attempted, derived from its policy in the form of gRPC's service config (gRFC A6): only UNAVAILABLE is tried again,
// and only what may be repeated. Hedged is only what has no side effects. The one layer of retries there is: grpc-js does them.
import type { experimental } from "@grpc/grpc-js";
import type { Method } from "#impl/runtime/method.ts";
import { Idempotency } from "#impl/runtime/policy.ts";

export interface RetryOptions {
  /** Attempts of a call in all, 2 to 5. */
  readonly maxAttempts: number;
  /** The first pause; each is longer by the multiplier, up to `maxBackoffMs`, and 20 % more or less by chance. */
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly backoffMultiplier: number;
  /**
   * No more retries when failures have used up half of so many tokens: each costs one, each success earns `tokenRatio`. So an outage adds at
   * most half of them to the attempts, and those under way. 0: no such budget.
   */
  readonly maxTokens: number;
  readonly tokenRatio: number;
}

export interface HedgingOptions {
  /** Another attempt is sent when there is no answer after so long. */
  readonly delayMs: number;
  /** Attempts of a call in all, 2 to 5. */
  readonly maxAttempts: number;
  /** Hedges for each call in the long run. */
  readonly budgetRatio: number;
}

export type CallConfig = ReturnType<experimental.ConfigSelector["invoke"]>;
export type MethodConfig = CallConfig["methodConfig"];

export const ONE_ATTEMPT: MethodConfig = { name: [] };

/** `repeatable`: whether this very call may be repeated, which with request ids depends on its request. */
export function methodConfigs(
  retry: RetryOptions | undefined,
  hedging: HedgingOptions | undefined,
): (method: Method, repeatable: boolean) => MethodConfig {
  const retried: MethodConfig =
    retry === undefined ? ONE_ATTEMPT : { name: [], retryPolicy: retryPolicy(retry) };
  const hedged: MethodConfig =
    hedging === undefined ? retried : { name: [], hedgingPolicy: hedgingPolicy(hedging) };
  return (method, repeatable) => {
    if (!repeatable) return ONE_ATTEMPT;
    const safe = method.policy.idempotency === Idempotency.IDEMPOTENCY_NO_SIDE_EFFECTS;
    return safe && !method.responseStream ? hedged : retried;
  };
}

const seconds = (ms: number): string => `${ms / 1_000}s`;

function retryPolicy(retry: RetryOptions): NonNullable<MethodConfig["retryPolicy"]> {
  return {
    maxAttempts: retry.maxAttempts,
    initialBackoff: seconds(retry.initialBackoffMs),
    maxBackoff: seconds(retry.maxBackoffMs),
    backoffMultiplier: retry.backoffMultiplier,
    retryableStatusCodes: ["UNAVAILABLE"],
  };
}

function hedgingPolicy(hedging: HedgingOptions): NonNullable<MethodConfig["hedgingPolicy"]> {
  return {
    maxAttempts: hedging.maxAttempts,
    hedgingDelay: seconds(hedging.delayMs),
    nonFatalStatusCodes: ["UNAVAILABLE"],
  };
}
