// The fault of a database that is far away or under strain: for a system that reaches it through a link (DATABASE_URL names the link).

import type { Fault } from "../fault.ts";
import type { LinkControl } from "../link-control.ts";
import { linkFault } from "./link-fault.ts";

export interface SlowDatabaseOptions {
  /** One way; a transaction pays it twice for each of its statements. Default 50. */
  readonly delayMs?: number;
  /** Added to it at random. Default 50. */
  readonly jitterMs?: number;
}

/** `link`: the one between the system and its database. */
export function slowDatabase(link: LinkControl, options: SlowDatabaseOptions = {}): Fault {
  const { delayMs = 50, jitterMs = 50 } = options;
  const about = `the database answers ${2 * delayMs} to ${2 * (delayMs + jitterMs)} ms later`;
  return linkFault(link, "slow-database", about, { kind: "slow", delayMs, jitterMs });
}
