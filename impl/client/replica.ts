// One endpoint as the client knows it: its connections, its health, its breakers, how it has done lately. What balancers choose between.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Candidate } from "./balancer.ts";
import {
  admits,
  type BreakerOptions,
  type BreakerState,
  CLOSED,
  type Outcome,
  transition,
} from "./breaker.ts";
import type { Connection } from "./connection.ts";
import { ConnectionPool, type PoolOptions } from "./connection-pool.ts";
import type { Endpoint } from "./discovery.ts";
import { EndpointHealth, type Health } from "./endpoint-health.ts";
import { Latency } from "./latency.ts";
import { rampAt } from "./slow-start.ts";

export interface ReplicaOptions {
  readonly pool: PoolOptions;
  /** Undefined when there is to be no breaker. */
  readonly breaker: BreakerOptions | undefined;
  readonly slowStartMs: number;
  /** Whose health is watched; undefined when none is. */
  readonly healthService: string | undefined;
}

export interface ReplicaListener {
  onHealth(health: Health): void;
  /** It can take calls, for the first time or again. */
  onAvailable(): void;
  onBreaker(group: string, state: BreakerState["kind"]): void;
}

export class Replica implements Candidate {
  readonly address: string;
  /** Last words of the connection that failed last. */
  lastError = "";
  /** Picks whose call has not begun. */
  reserved = 0;
  readonly pool: ConnectionPool;
  readonly #options: ReplicaOptions;
  readonly #clock: Clock;
  readonly #listener: ReplicaListener;
  readonly #health: EndpointHealth | undefined;
  readonly #breakers = new Map<string, BreakerState>();
  readonly #latency = new Latency();
  #weight: number;
  #inFlight = 0;
  #availableSince: number | undefined;

  constructor(
    endpoint: Endpoint,
    options: ReplicaOptions,
    clock: Clock,
    connect: () => Connection,
    listener: ReplicaListener,
  ) {
    this.address = endpoint.address;
    this.#weight = endpoint.weight ?? 1;
    this.#options = options;
    this.#clock = clock;
    this.#listener = listener;
    this.pool = new ConnectionPool(options.pool, connect);
    const { healthService } = options;
    if (healthService !== undefined) {
      this.#health = new EndpointHealth(
        healthService,
        () => this.pool.pick(),
        clock,
        (health) => listener.onHealth(health),
      );
    }
  }

  set weight(weight: number) {
    this.#weight = weight;
  }

  get weight(): number {
    return this.#weight;
  }

  get outstanding(): number {
    return this.#inFlight + this.reserved;
  }

  get latencyMs(): number {
    return this.#latency.at(this.#clock.monotonic());
  }

  get ramp(): number {
    const since = this.#availableSince;
    return since === undefined ? 1 : rampAt(this.#clock.monotonic() - since, this.#options.slowStartMs);
  }

  get health(): Health {
    return this.#health?.health ?? "serving";
  }

  get breakers(): ReadonlyMap<string, BreakerState> {
    return this.#breakers;
  }

  /** Looks at what changed: a connection became ready or broke, or the endpoint's health is another. */
  refresh(): void {
    this.#health?.watch();
    const available = this.health === "serving" && this.pool.pick() !== undefined;
    if (!available) this.#availableSince = undefined;
    else if (this.#availableSince === undefined) this.#becameAvailable(this.#clock.monotonic());
  }

  #becameAvailable(now: number): void {
    this.#availableSince = now;
    this.#listener.onAvailable();
    for (const group of this.#breakers.keys()) {
      this.#toBreaker(group, (state, options) => transition(state, { type: "reconnected", now }, options));
    }
  }

  /** Whether its breaker lets a call of this group begin. */
  admits(group: string): boolean {
    const { breaker } = this.#options;
    const state = this.#breakers.get(group);
    return breaker === undefined || state === undefined || admits(state, this.#clock.monotonic(), breaker);
  }

  /** An attempt has begun on `connection`. Hands back what tells of its end. */
  started(connection: Connection, group: string, unary: boolean): (outcome: Outcome) => void {
    const startedAt = this.#clock.monotonic();
    const epoch = this.#toBreaker(group, (state, options) =>
      transition(state, { type: "start", now: startedAt }, options),
    );
    this.#inFlight += 1;
    connection.inFlight += 1;
    connection.calls += 1;
    this.pool.growWhenFull();
    return (outcome) => {
      const now = this.#clock.monotonic();
      this.#inFlight -= 1;
      connection.inFlight -= 1;
      connection.idleSince = now;
      if (outcome === "failure") connection.failures += 1;
      if (unary) {
        for (const latency of [this.#latency, connection.latency]) {
          if (outcome === "success") latency.add(now - startedAt, now);
          else latency.addAtLeast(now - startedAt, now);
        }
      }
      this.#toBreaker(group, (state, options) =>
        transition(state, { type: "end", now, epoch, outcome }, options),
      );
    };
  }

  close(): void {
    this.#health?.stop();
    this.pool.close();
  }

  /** The breaker's epoch after `step`. */
  #toBreaker(group: string, step: (state: BreakerState, options: BreakerOptions) => BreakerState): number {
    const { breaker } = this.#options;
    if (breaker === undefined) return 0;
    const before = this.#breakers.get(group) ?? CLOSED;
    const after = step(before, breaker);
    this.#breakers.set(group, after);
    if (after.kind !== before.kind) this.#listener.onBreaker(group, after.kind);
    return after.epoch;
  }
}
