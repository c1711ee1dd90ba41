// What can be done to a link while it runs, be it in this process or in one of its own.

import type { LinkToxic } from "./link-toxic.ts";

export interface LinkControl {
  /** In force when it resolves, in place of one of the same name. Rejects with RangeError for a value that no link can have. */
  addToxic(name: string, toxic: LinkToxic): Promise<void>;
  /** Does nothing when there is none of that name. */
  removeToxic(name: string): Promise<void>;
}

/** The same, as a line of JSON to a link in a process of its own. */
export type LinkCommand = { readonly add: string; readonly toxic: LinkToxic } | { readonly remove: string };
