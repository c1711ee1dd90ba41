// One short value for a list of facts.

import { createHash } from "node:crypto";

export function fingerprintOf(facts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 16);
}
