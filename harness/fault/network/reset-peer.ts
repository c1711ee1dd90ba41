// The fault of a middlebox that has forgotten its connections: both peers get a reset. New connections work.

import type { Fault } from "../fault.ts";
import type { LinkControl } from "../link-control.ts";
import { linkFault } from "./link-fault.ts";

export function resetPeer(link: LinkControl): Fault {
  return linkFault(link, "reset-peer", "every open connection is reset", { kind: "reset" });
}
