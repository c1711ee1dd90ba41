// The fault of a network that is cut in two: bytes wait, as TCP sends them again and again, and arrive when it is whole again.

import type { Fault } from "../fault.ts";
import type { LinkControl } from "../link-control.ts";
import type { LinkWay } from "../link-toxic.ts";
import { linkFault } from "./link-fault.ts";

/** Both ways. */
export function partition(link: LinkControl): Fault {
  return linkFault(link, "partition", "bytes are held, both ways, and connections stay", { kind: "hold" });
}

/** The name is one-way-partition-up when what the client sends does not arrive, else one-way-partition-down. */
export function oneWayPartition(link: LinkControl, way: LinkWay): Fault {
  const held =
    way === "up" ? "requests are held while answers arrive" : "answers are held while requests arrive";
  return linkFault(link, `one-way-partition-${way}`, held, { kind: "hold", way });
}
