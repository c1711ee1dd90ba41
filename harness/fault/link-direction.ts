// One direction of a link: says when bytes that enter it now have left it. All connections share its bandwidth, first come, first
// served, as packets share a cable. What it is like may change at any time. Knows no sockets.

import type { LinkClock } from "./link-clock.ts";
import type { LinkConditions } from "./link-toxic.ts";

export interface LinkDirection {
  readonly conditions: LinkConditions;
  /** When the last of these bytes arrives, on the clock's scale; Infinity while bytes are held. */
  arrivalMs(bytes: number): number;
  /** Is like that from now on; whatever was on its way is forgotten, for its owner to enter it anew. */
  become(conditions: LinkConditions): void;
  /** Calls `changed` after each change, until the returned function is called. */
  watch(changed: () => void): () => void;
  /** Runs `task` now, or as soon as bytes are carried again. */
  whenCarried(task: () => void): void;
}

/** `random`: uniform in [0, 1), for the jitter. */
export function linkDirection(
  initial: LinkConditions,
  clock: LinkClock,
  random: () => number,
): LinkDirection {
  let conditions = initial;
  let freeAtMs = 0;
  const watchers = new Set<() => void>();
  const watch = (changed: () => void) => {
    watchers.add(changed);
    return () => void watchers.delete(changed);
  };
  return {
    get conditions() {
      return conditions;
    },
    arrivalMs: (bytes) => {
      const { flow, delayMs, jitterMs, bandwidthBytesPerSecond } = conditions;
      if (flow !== "carried") return Infinity;
      freeAtMs = Math.max(freeAtMs, clock.nowMs()) + (1000 * bytes) / bandwidthBytesPerSecond;
      return freeAtMs + delayMs + random() * jitterMs;
    },
    become: (next) => {
      conditions = next;
      freeAtMs = 0;
      for (const changed of [...watchers]) changed();
    },
    watch,
    whenCarried: (task) => {
      if (conditions.flow === "carried") return task();
      const unwatch = watch(() => {
        if (conditions.flow !== "carried") return;
        unwatch();
        task();
      });
    },
  };
}
