// The fault of a link that swallows everything and says nothing: connections stay, and new ones can be made.

import type { Fault } from "../fault.ts";
import type { LinkControl } from "../link-control.ts";
import { linkFault } from "./link-fault.ts";

/** Healing resets the connections that have lost something: they could not go on. */
export function blackhole(link: LinkControl): Fault {
  return linkFault(link, "blackhole", "bytes are swallowed, both ways, and connections stay", {
    kind: "swallow",
  });
}
