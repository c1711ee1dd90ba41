// Which backend serves a service, and a connection to it for each call.

import { type BalancerFactory, leastOutstanding } from "#impl/client/balancer.ts";
import type { BreakerOptions } from "#impl/client/breaker.ts";
import { DEFAULT_BREAKER } from "#impl/client/client-options.ts";
import type { Discovery } from "#impl/client/discovery.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import type { Carrier } from "./backend-line.ts";
import { createBackendLines } from "./backend-lines.ts";
import { type BackendSet, followBackends } from "./backend-set.ts";
import { backendUnavailable } from "./backend-status.ts";
import { type DialOptions, dialer } from "./dial.ts";

export interface BackendsOptions extends DialOptions {
  /** Where the instances of a service are; services of one discovery share its instances. Undefined: nowhere. */
  readonly discoveryOf: (service: string) => Discovery | undefined;
  readonly services: readonly string[];
  /** Default: as of clients. */
  readonly breaker?: Partial<BreakerOptions>;
  /** Which instance gets a call. Default: the one with the fewest under way for its weight. */
  readonly balancer?: BalancerFactory;
  /** Connections to one instance at most. */
  readonly maxConnections?: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** Gives each call a connection to an instance of its method's service. */
export interface Backends {
  /** Throws or rejects UNAVAILABLE when there is none. */
  carrier(service: string): Carrier | Promise<Carrier>;
  /** Instances of a service that can be called now. */
  connected(service: string): number;
  /** Cuts the calls that are open. */
  close(): Promise<void>;
}

export function createBackends(options: BackendsOptions): Backends {
  const { clock, random, log, balancer = leastOutstanding, maxConnections } = options;
  const breaker = { ...DEFAULT_BREAKER, ...options.breaker };
  const lines = createBackendLines({ dial: dialer(options), breaker, maxConnections, clock, random, log });
  const sets = new Map<Discovery, BackendSet>();
  const byService = new Map<string, BackendSet>();
  for (const service of options.services) {
    const discovery = options.discoveryOf(service);
    if (discovery === undefined) continue;
    const set =
      sets.get(discovery) ?? followBackends({ discovery, lines, balancer: balancer(random), clock, log });
    sets.set(discovery, set);
    byService.set(service, set);
  }
  return {
    carrier(service) {
      const set = byService.get(service);
      if (set === undefined) throw backendUnavailable(service, "it is not configured where it is");
      const carrier = set.carrier();
      if (!(carrier instanceof Promise)) return carrier;
      return carrier.catch((error: unknown) => {
        throw backendUnavailable(service, error);
      });
    },
    connected: (service) => byService.get(service)?.connected ?? 0,
    async close() {
      await Promise.all(Array.from(sets.values(), (set) => set.stop()));
      await lines.close();
    },
  };
}
