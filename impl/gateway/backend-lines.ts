// The lines of a process by address: services that one instance serves share its connections.
import type { BreakerOptions } from "#impl/client/breaker.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { BackendLine, type Dial } from "./backend-line.ts";

export interface BackendLinesOptions {
  /** How an address is called. */
  readonly dial: (address: string) => Dial;
  readonly breaker: BreakerOptions;
  readonly maxConnections: number | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export interface BackendLines {
  /** The line to an address, being connected; each `take` is followed by one `release`. */
  take(address: string): BackendLine;
  /** After its last release a line takes no new calls, and closes when the open ones have ended. */
  release(line: BackendLine): void;
  /** Cuts everything. */
  close(): Promise<void>;
}

export function createBackendLines(options: BackendLinesOptions): BackendLines {
  const { dial, breaker, maxConnections, clock, random, log } = options;
  const lines = new Map<string, { readonly line: BackendLine; users: number }>();
  const all = new Set<BackendLine>();
  return {
    take(address) {
      const known = lines.get(address);
      if (known !== undefined) {
        known.users += 1;
        return known.line;
      }
      const line = new BackendLine({
        address,
        dial: dial(address),
        breaker,
        clock,
        random,
        log,
        ...(maxConnections === undefined ? {} : { maxConnections }),
        onEmpty: () => all.delete(line),
      });
      lines.set(address, { line, users: 1 });
      all.add(line);
      line.connect().catch(() => {});
      return line;
    },
    release(line) {
      const known = lines.get(line.address);
      if (known === undefined || known.line !== line) return;
      known.users -= 1;
      if (known.users > 0) return;
      lines.delete(line.address);
      line.retire();
    },
    async close() {
      await Promise.all(Array.from(all, (line) => line.close()));
    },
  };
}
