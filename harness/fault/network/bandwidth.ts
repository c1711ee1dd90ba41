// The fault of a link that has become narrow.

import type { Fault } from "../fault.ts";
import type { LinkControl } from "../link-control.ts";
import { linkFault } from "./link-fault.ts";

/** Of all connections together, each way. Default 16 KiB a second: a telephone in a tunnel. */
export function bandwidth(link: LinkControl, bytesPerSecond = 16_384): Fault {
  return linkFault(link, "bandwidth", `the link carries ${bytesPerSecond} bytes a second, each way`, {
    kind: "slow",
    bandwidthBytesPerSecond: bytesPerSecond,
  });
}
