// A fault of a link: one toxic that comes and goes. Several may be on at a time; each takes away what it has brought.

import type { Fault } from "../fault.ts";
import type { LinkControl } from "../link-control.ts";
import type { LinkToxic } from "../link-toxic.ts";

export function linkFault(link: LinkControl, name: string, about: string, toxic: LinkToxic): Fault {
  return {
    name,
    about,
    strike: () => link.addToxic(name, toxic),
    heal: () => link.removeToxic(name),
  };
}
