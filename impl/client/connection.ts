// One connection of the pool: a grpc-js subchannel of its own and what is known of the calls on it. grpc-js connects, keeps alive and backs
// off; this reconnects whenever it may.
import { connectivityState, type experimental } from "@grpc/grpc-js";
import type { ConnectionState } from "./client-events.ts";
import { Latency } from "./latency.ts";

export interface ConnectionStats {
  readonly address: string;
  /** Numbers the connections of a client. */
  readonly id: number;
  readonly state: ConnectionState;
  /** Attempts since it was made, also those under way. */
  readonly calls: number;
  readonly inFlight: number;
  /** Attempts that failed by the endpoint's fault. */
  readonly failures: number;
  /** Moving average over unary calls, milliseconds. */
  readonly latencyMs: number;
}

type Subchannel = experimental.SubchannelInterface;

export class Connection {
  readonly id: number;
  readonly subchannel: Subchannel;
  readonly latency = new Latency();
  calls = 0;
  inFlight = 0;
  /** Picks whose call has not begun. */
  reserved = 0;
  failures = 0;
  /** When its last call ended, or when it was made. */
  idleSince: number;
  readonly #address: string;
  readonly #listener: experimental.ConnectivityStateListener;
  #closed = false;

  constructor(
    id: number,
    address: string,
    subchannel: Subchannel,
    now: number,
    onState: (state: ConnectionState, error: string | undefined) => void,
  ) {
    this.id = id;
    this.subchannel = subchannel;
    this.idleSince = now;
    this.#address = address;
    this.#listener = (_, __, state, ___, error) => {
      if (state !== connectivityState.READY) subchannel.startConnecting();
      onState(nameOf(state), error);
    };
    subchannel.ref();
    subchannel.addConnectivityStateListener(this.#listener);
    subchannel.startConnecting();
  }

  /** Streams that are or are about to be used. */
  get load(): number {
    return this.inFlight + this.reserved;
  }

  get ready(): boolean {
    return this.subchannel.getConnectivityState() === connectivityState.READY;
  }

  get state(): ConnectionState {
    return this.#closed ? "closed" : nameOf(this.subchannel.getConnectivityState());
  }

  stats(now: number): ConnectionStats {
    const { id, state, calls, inFlight, failures } = this;
    return { address: this.#address, id, state, calls, inFlight, failures, latencyMs: this.latency.at(now) };
  }

  /** Calls under way go on; the socket is closed when the last of them has ended. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.subchannel.removeConnectivityStateListener(this.#listener);
    this.subchannel.unref();
  }
}

function nameOf(state: connectivityState): ConnectionState {
  switch (state) {
    case connectivityState.READY:
      return "ready";
    case connectivityState.CONNECTING:
      return "connecting";
    case connectivityState.TRANSIENT_FAILURE:
      return "failed";
    default:
      return "idle";
  }
}
