// One direction of a link: says when bytes that enter it now have left it. All connections share its bandwidth, first come, first
// served, as packets share a cable. Knows no sockets.

import type { LinkClock } from "./link-clock.ts";
import type { LinkProfile } from "./link-profile.ts";

export interface LinkDirection {
  /** When the last of these bytes arrives, on the clock's scale. */
  arrivalMs(bytes: number): number;
}

/** `random`: uniform in [0, 1), for the jitter. */
export function linkDirection(
  profile: Required<LinkProfile>,
  clock: LinkClock,
  random: () => number,
): LinkDirection {
  const bytesPerMs = profile.bandwidthBytesPerSecond / 1000;
  let freeAtMs = 0;
  return {
    arrivalMs: (bytes) => {
      freeAtMs = Math.max(freeAtMs, clock.nowMs()) + bytes / bytesPerMs;
      return freeAtMs + profile.delayMs + random() * profile.jitterMs;
    },
  };
}
