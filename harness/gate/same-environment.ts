// Refuses a comparison whose arms differ in more than the code: another runtime, engine or flag would be measured as the change.

import type { RuntimeSnapshot } from "#harness/sut/runtime-snapshot.ts";

type ProcessFacts = Pick<RuntimeSnapshot, "node" | "v8" | "execArgv">;

export class DifferentEnvironmentError extends Error {
  constructor(what: string, base: string, head: string) {
    super(`base and head ran in different environments: ${what} is ${base} for base and ${head} for head`);
    this.name = "DifferentEnvironmentError";
  }
}

/** Throws DifferentEnvironmentError naming the first difference. */
export function refuseDifferentProcesses(base: ProcessFacts, head: ProcessFacts): void {
  const facts: readonly (readonly [what: string, of: (one: ProcessFacts) => string])[] = [
    ["Node", ({ node }) => node],
    ["V8", ({ v8 }) => v8],
    ["flags", ({ execArgv }) => execArgv.join(" ") || "none"],
  ];
  for (const [what, of] of facts) {
    if (of(base) !== of(head)) throw new DifferentEnvironmentError(what, of(base), of(head));
  }
}
