// All endpoints of a client and the choice between them, made anew for each attempt: an endpoint that is connected, healthy, not an outlier,
// whose breaker is closed, and where the call has not been; the balancer decides between those. Knows of grpc-js only its subchannels.
import type { experimental, StatusObject } from "@grpc/grpc-js";
import type { CancelTimer, Clock } from "#impl/runtime/clock.ts";
import { type CallInfo, outcomeOf } from "./attempt.ts";
import type { Balancer } from "./balancer.ts";
import type { ClientEventListener } from "./client-events.ts";
import { Connection, type ConnectionStats } from "./connection.ts";
import { type Discovery, type Endpoint, parseAddress } from "./discovery.ts";
import { Ejection, type EjectionOptions } from "./ejection.ts";
import { type EndpointWatch, watchEndpoints } from "./endpoint-watch.ts";
import type { HedgeBudget } from "./hedge-budget.ts";
import { localUnavailable } from "./local-status.ts";
import { Replica, type ReplicaOptions } from "./replica.ts";
import { Reservations } from "./reservations.ts";

export interface FleetOptions {
  readonly discovery: Discovery;
  readonly balancer: Balancer;
  readonly replica: ReplicaOptions;
  /** Undefined when no endpoint is ever ejected. */
  readonly ejection: EjectionOptions | undefined;
  readonly hedges: HedgeBudget;
  readonly clock: Clock;
  readonly onEvent: ClientEventListener;
}

export interface EndpointStats {
  readonly address: string;
  readonly weight: number;
  readonly health: Replica["health"];
  readonly ejected: boolean;
  readonly outstanding: number;
  readonly latencyMs: number;
  /** State of the breaker by group of methods; those that were used. */
  readonly breakers: Readonly<Record<string, "closed" | "open" | "halfOpen">>;
  readonly connections: readonly ConnectionStats[];
}

/** What the fleet needs of the channel that it serves. */
export interface FleetHost {
  createSubchannel(endpoint: Endpoint, connection: number): experimental.SubchannelInterface;
  /** Endpoints or their states are others: picks that wait are to be made again. */
  changed(): void;
}

export type Pick =
  | {
      readonly kind: "connection";
      readonly connection: Connection;
      readonly onStarted: () => void;
      readonly onEnded: (code: StatusObject["code"]) => void;
    }
  | { readonly kind: "wait" }
  /** `retry`: whether another attempt may find what this one did not. */
  | { readonly kind: "fail"; readonly status: StatusObject; readonly retry: boolean };

export class Fleet {
  readonly #options: FleetOptions;
  readonly #replicas = new Map<string, Replica>();
  readonly #ejection: Ejection<Replica> | undefined;
  readonly #reservations = new Reservations();
  #host: FleetHost | undefined;
  #watch: EndpointWatch | undefined;
  #known = false;
  #lastError = "";
  #nextConnection = 1;
  #cancelSweep: CancelTimer | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { ejection, onEvent } = options;
    if (ejection !== undefined) {
      this.#ejection = new Ejection(ejection, ({ address }, forMs) =>
        onEvent({ type: "ejected", address, forMs }),
      );
    }
  }

  /** Begins to look for endpoints and to connect to them. */
  attach(host: FleetHost): void {
    const { discovery, clock, onEvent } = this.#options;
    this.#host = host;
    this.#watch = watchEndpoints({
      discovery,
      clock,
      onEndpoints: (endpoints) => this.#update(endpoints),
      onError: (error) => {
        this.#lastError = String(error);
        onEvent({ type: "discoveryFailed", error });
        this.#known ||= true;
        this.#host?.changed();
      },
    });
  }

  /** Lets go of everything; may be attached again. Calls under way go on. */
  detach(): void {
    this.#host = undefined;
    this.#watch?.stop();
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    for (const replica of this.#replicas.values()) this.#remove(replica);
    this.#known = false;
  }

  get anyUsable(): boolean {
    return [...this.#replicas.values()].some(isUsable);
  }

  /** Whether there is nothing that could still become ready by itself soon. */
  get failed(): boolean {
    if (!this.#known) return false;
    const connections = [...this.#replicas.values()].flatMap(({ pool }) => pool.connections);
    return connections.every(({ state }) => state === "failed");
  }

  stats(): EndpointStats[] {
    const now = this.#options.clock.monotonic();
    return [...this.#replicas.values()].map((replica) => ({
      address: replica.address,
      weight: replica.weight,
      health: replica.health,
      ejected: this.#isEjected(replica),
      outstanding: replica.outstanding,
      latencyMs: replica.latencyMs,
      breakers: Object.fromEntries([...replica.breakers].map(([group, { kind }]) => [group, kind])),
      connections: replica.pool.connections.map((connection) => connection.stats(now)),
    }));
  }

  pick(call: CallInfo): Pick {
    if (call.hedged && call.tried.size > 0 && !this.#options.hedges.take()) {
      return fail("HEDGE_BUDGET_SPENT", "too many calls were hedged lately", false);
    }
    const usable = [...this.#replicas.values()].filter(isUsable);
    if (usable.length === 0) return this.#nothingUsable();
    const closed = usable.filter((replica) => replica.admits(call.group));
    if (closed.length === 0) {
      return fail("CIRCUIT_OPEN", `the breakers of all endpoints are open for ${call.group}`, false);
    }
    const preferred = preferring(
      preferring(closed, (replica) => !this.#isEjected(replica)),
      (replica) => !call.tried.has(replica),
    );
    const replica = this.#options.balancer.pick(preferred);
    const connection = replica.pool.pick();
    if (connection === undefined) return { kind: "wait" };
    return this.#reserve(call, replica, connection);
  }

  #reserve(call: CallInfo, replica: Replica, connection: Connection): Pick {
    const { clock } = this.#options;
    const release = this.#reservations.hold([replica, connection]);
    let ended: ReturnType<Replica["started"]> = () => {};
    return {
      kind: "connection",
      connection,
      onStarted: () => {
        release();
        if (call.tried.size === 0) this.#options.hedges.callStarted();
        call.tried.add(replica);
        ended = replica.started(connection, call.group, call.unary);
      },
      onEnded: (code) => {
        const outcome = outcomeOf(code);
        ended(outcome);
        if (outcome !== "neutral") this.#ejection?.record(replica, outcome === "success", clock.monotonic());
        this.#sweepLater(replica);
      },
    };
  }

  #nothingUsable(): Pick {
    if (!this.#known) return { kind: "wait" };
    if (this.#replicas.size === 0) {
      return fail("NO_ENDPOINT", `no endpoint is known${because(this.#lastError)}`, true);
    }
    const replicas = [...this.#replicas.values()];
    const mayBecome = replicas.some(({ health, pool }) =>
      pool.pick() === undefined
        ? pool.connections.some(({ state }) => state === "connecting" || state === "idle")
        : health === "unknown",
    );
    if (mayBecome) return { kind: "wait" };
    if (replicas.some(({ pool }) => pool.pick() !== undefined)) {
      return fail("NO_HEALTHY_ENDPOINT", "no endpoint says that it serves", true);
    }
    const error = replicas.find(({ lastError }) => lastError !== "")?.lastError ?? "";
    return fail("NO_CONNECTION", `no endpoint can be reached${because(error)}`, true);
  }

  #isEjected(replica: Replica): boolean {
    return this.#ejection?.isEjected(replica, this.#options.clock.monotonic()) ?? false;
  }

  #update(endpoints: readonly Endpoint[]): void {
    const wanted = new Map(endpoints.map((endpoint) => [endpoint.address, endpoint]));
    const before = [...this.#replicas.keys()];
    for (const replica of this.#replicas.values()) if (!wanted.has(replica.address)) this.#remove(replica);
    for (const endpoint of wanted.values()) {
      const known = this.#replicas.get(endpoint.address);
      if (known === undefined) this.#add(endpoint);
      else known.weight = endpoint.weight ?? 1;
    }
    this.#known = true;
    const addresses = [...wanted.keys()];
    if (addresses.length !== before.length || addresses.some((address) => !before.includes(address))) {
      this.#options.onEvent({ type: "endpoints", addresses });
    }
    this.#host?.changed();
  }

  #add(endpoint: Endpoint): void {
    const { clock, onEvent, replica: options } = this.#options;
    const { address } = endpoint;
    parseAddress(address);
    const replica: Replica = new Replica(endpoint, options, clock, () => this.#connect(endpoint), {
      onHealth: (health) => {
        onEvent({ type: "health", address, serving: health === "serving" });
        replica.refresh();
        this.#host?.changed();
      },
      onAvailable: () => this.#ejection?.readmit(replica),
      onBreaker: (group, state) => onEvent({ type: "breaker", address, group, state }),
    });
    this.#replicas.set(address, replica);
    this.#ejection?.add(replica);
    replica.refresh();
  }

  #remove(replica: Replica): void {
    this.#replicas.delete(replica.address);
    this.#ejection?.remove(replica);
    replica.close();
  }

  #connect(endpoint: Endpoint): Connection {
    const { clock, onEvent } = this.#options;
    if (this.#host === undefined) throw new Error("a fleet that is not attached does not connect");
    const id = this.#nextConnection++;
    const { address } = endpoint;
    const subchannel = this.#host.createSubchannel(endpoint, id);
    return new Connection(id, address, subchannel, clock.monotonic(), (state, error) => {
      const replica = this.#replicas.get(address);
      onEvent({
        type: "connection",
        address,
        connection: id,
        state,
        ...(error === undefined ? {} : { error }),
      });
      if (replica === undefined) return;
      if (error !== undefined) replica.lastError = error;
      replica.refresh();
      if (state === "idle" || state === "failed") this.#watch?.refresh();
      this.#host?.changed();
    });
  }

  #sweepLater(replica: Replica): void {
    const { minConnections, idleConnectionMs } = this.#options.replica.pool;
    if (this.#cancelSweep !== undefined || this.#host === undefined) return;
    if (replica.pool.connections.length <= minConnections) return;
    this.#cancelSweep = this.#options.clock.after(idleConnectionMs, () => {
      this.#cancelSweep = undefined;
      const now = this.#options.clock.monotonic();
      for (const each of this.#replicas.values()) if (each.pool.shrinkWhenIdle(now)) this.#sweepLater(each);
    });
  }
}

const isUsable = ({ health, pool }: Replica): boolean => health === "serving" && pool.pick() !== undefined;

function preferring(replicas: readonly Replica[], better: (replica: Replica) => boolean): readonly Replica[] {
  const preferred = replicas.filter(better);
  return preferred.length === 0 ? replicas : preferred;
}

function fail(...[reason, message, retry]: [...Parameters<typeof localUnavailable>, boolean]): Pick {
  return { kind: "fail", status: localUnavailable(reason, message), retry };
}

const because = (error: string): string => (error === "" ? "" : `: ${error}`);
