// Links by name. Loopback is the absence of a proxy, so that nothing of ours is between the peers.

import type { LinkProfile } from "./link-profile.ts";

const megabit = 125_000;

/** Undefined stands for no proxy at all. */
export const links = Object.freeze({
  loopback: undefined,
  /** One data centre: 2 ms round trip, 1 Gbit/s. */
  lan: { name: "lan", delayMs: 1, bandwidthBytesPerSecond: 1000 * megabit },
  /** Between regions, or a good line at home: 40 ms round trip, 20 Mbit/s. */
  wan: { name: "wan", delayMs: 20, jitterMs: 1, bandwidthBytesPerSecond: 20 * megabit },
  /** A telephone in town: 100 ms round trip, 5 Mbit/s, unsteady. */
  mobile: { name: "mobile", delayMs: 50, jitterMs: 10, bandwidthBytesPerSecond: 5 * megabit },
} satisfies Record<string, LinkProfile | undefined>);

export type LinkName = keyof typeof links;

/** Throws RangeError for a name that is none of them. */
export function linkNamed(name: string): LinkProfile | undefined {
  if (!Object.hasOwn(links, name)) {
    throw new RangeError(`there is no link ${JSON.stringify(name)}, only ${Object.keys(links).join(", ")}`);
  }
  return Object.entries(links).find(([each]) => each === name)?.[1];
}
