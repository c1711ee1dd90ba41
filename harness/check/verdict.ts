// What a checker concludes. It never guesses: what it could not see is unknown, and unknown is not a pass.

export interface Verdict {
  /** What must hold, in one sentence. */
  readonly claim: string;
  readonly outcome: "pass" | "fail" | "unknown";
  /** How many things were looked at. */
  readonly checked: number;
  /** What contradicts the claim, or why it is not known; the first of them are enough to look for the cause. */
  readonly evidence: readonly string[];
}

const MOST_EVIDENCE = 20;

/** Fails with any contradiction. A claim about nothing is not known to hold. */
export function judge(claim: string, checked: number, contradictions: readonly string[]): Verdict {
  const evidence = contradictions.slice(0, MOST_EVIDENCE);
  if (contradictions.length > 0) return { claim, outcome: "fail", checked, evidence };
  if (checked === 0) return { claim, outcome: "unknown", checked, evidence: ["there was nothing to check"] };
  return { claim, outcome: "pass", checked, evidence };
}

/** A checker that throws has not passed. */
export function judged(claim: string, check: () => Verdict): Verdict {
  try {
    return check();
  } catch (error) {
    return { claim, outcome: "unknown", checked: 0, evidence: [`the checker failed: ${error}`] };
  }
}
