// The fault of a link whose delay is unsteady.

import type { Fault } from "../fault.ts";
import type { LinkControl } from "../link-control.ts";
import { linkFault } from "./link-fault.ts";

/** `jitterMs`: the most, one way, evenly distributed from 0. Default 200. */
export function jitter(link: LinkControl, jitterMs = 200): Fault {
  return linkFault(link, "jitter", `bytes take up to ${jitterMs} ms longer, each way`, {
    kind: "slow",
    jitterMs,
  });
}
