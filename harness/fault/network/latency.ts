// The fault of a link that has become long.

import type { Fault } from "../fault.ts";
import type { LinkControl } from "../link-control.ts";
import { linkFault } from "./link-fault.ts";

/** `delayMs`: one way, added to what the link has. Default 100. */
export function latency(link: LinkControl, delayMs = 100): Fault {
  return linkFault(link, "latency", `bytes take ${delayMs} ms longer, each way`, { kind: "slow", delayMs });
}
