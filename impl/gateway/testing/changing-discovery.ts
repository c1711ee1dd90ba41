import { EventEmitter, on } from "node:events";
import type { Discovery, Endpoint } from "#impl/client/discovery.ts";

/** A discovery whose endpoints a test changes. */
export function changingDiscovery(
  first: readonly Endpoint[],
): Discovery & { set(endpoints: readonly Endpoint[]): void } {
  let now = first;
  const changes = new EventEmitter();
  return {
    resolve: async () => now,
    async *watch(signal) {
      yield now;
      try {
        for await (const _ of on(changes, "change", { signal })) yield now;
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    set(endpoints) {
      now = endpoints;
      changes.emit("change");
    },
  };
}
