// The fault of a peer that is gone without a word, as when its machine loses power: the other side believes that it is connected, and only a
// deadline or a keep-alive finds it out. New connections work.

import type { Fault } from "../fault.ts";
import type { LinkControl } from "../link-control.ts";
import { linkFault } from "./link-fault.ts";

/** The name is half-open-client when the client is left with half a connection, else half-open-server. Healing resets what is left. */
export function halfOpen(link: LinkControl, gone: "client" | "server"): Fault {
  const left = gone === "client" ? "server" : "client";
  const about = `the ${gone}s of open connections are gone, and their ${left}s are not told`;
  return linkFault(link, `half-open-${left}`, about, { kind: "abandon", gone });
}
