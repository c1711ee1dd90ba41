// The rules by which a slice does not count, fixed before anything is seen. A rule about the generator looks at all arms of
// the slice together, so that it never favours one.

export interface ValidityLimits {
  /** Open loop: the largest busy share of the generator's event loop. */
  readonly maxUtilization: number;
  /** Open loop: the largest 99th percentile of how late the generator sent. */
  readonly maxSendLagP99Ms: number;
  /** Largest share of calls that failed or ended unknown. */
  readonly maxFailedShare: number;
}

export const defaultValidityLimits: ValidityLimits = Object.freeze({
  maxUtilization: 0.7,
  maxSendLagP99Ms: 25,
  maxFailedShare: 0.01,
});

export interface SliceFacts {
  readonly loop: "open" | "closed";
  readonly utilization: number;
  /** Of all arms together; null when nothing was sent. */
  readonly sendLagP99Micros: number | null;
  readonly intended: number;
  readonly failedOrUnknown: number;
}

export function reasonsInvalid(facts: SliceFacts, limits: ValidityLimits): string[] {
  const reasons: string[] = [];
  if (facts.intended === 0) reasons.push("no calls");
  const failedShare = facts.failedOrUnknown / Math.max(1, facts.intended);
  if (failedShare > limits.maxFailedShare) {
    reasons.push(`failed: more than ${limits.maxFailedShare * 100} % of the calls`);
  }
  if (facts.loop === "closed") return reasons;
  if (facts.utilization > limits.maxUtilization) {
    reasons.push(`generator busy: event loop above ${limits.maxUtilization}`);
  }
  if ((facts.sendLagP99Micros ?? 0) > limits.maxSendLagP99Ms * 1000) {
    reasons.push(`generator late: send lag p99 above ${limits.maxSendLagP99Ms} ms`);
  }
  return reasons;
}
