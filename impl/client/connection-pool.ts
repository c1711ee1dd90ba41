// The connections to one endpoint: a number of them always, more while calls come near the streams that each of them carries, fewer again
// when they have nothing to do.
import type { Connection } from "./connection.ts";

export interface PoolOptions {
  /** Connections that are always held to each endpoint. */
  readonly minConnections: number;
  readonly maxConnections: number;
  /** No more than the server's MAX_CONCURRENT_STREAMS, which grpc-js does not tell; calls beyond that would wait for a free stream. */
  readonly maxStreamsPerConnection: number;
  /** A connection above the minimum is closed when it had no call for so long. */
  readonly idleConnectionMs: number;
}

/** A connection is full at this part of its streams: the next must be there before the last stream is taken. */
const NEARLY_FULL = 0.8;

export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #connect: () => Connection;
  readonly #full: number;
  readonly #connections: Connection[] = [];
  #closed = false;

  constructor(options: PoolOptions, connect: () => Connection) {
    this.#options = options;
    this.#connect = connect;
    this.#full = Math.max(1, Math.floor(options.maxStreamsPerConnection * NEARLY_FULL));
    for (let index = 0; index < options.minConnections; index++) this.#connections.push(connect());
  }

  get connections(): readonly Connection[] {
    return this.#connections;
  }

  /** Where the next call goes: the least used of those that are always there, and of the others only when all of these are full. */
  pick(): Connection | undefined {
    const { minConnections } = this.#options;
    const kept = leastUsed(this.#connections, 0, minConnections);
    if (kept !== undefined && kept.load < this.#full) return kept;
    const extra = leastUsed(this.#connections, minConnections, this.#connections.length);
    if (kept === undefined || extra === undefined) return kept ?? extra;
    return extra.load < kept.load ? extra : kept;
  }

  /** Makes another connection when those that are there are nearly full. Called when a call has begun. */
  growWhenFull(): void {
    if (this.#closed || this.#connections.length >= this.#options.maxConnections) return;
    if (this.#connections.every(({ ready, load }) => ready && load >= this.#full)) {
      this.#connections.push(this.#connect());
    }
  }

  /** Closes what is above the minimum and has been idle for long. Whether there is still something above the minimum. */
  shrinkWhenIdle(now: number): boolean {
    const { minConnections, idleConnectionMs } = this.#options;
    for (let index = this.#connections.length - 1; index >= minConnections; index--) {
      const connection = this.#connections[index];
      if (connection === undefined || connection.load > 0) continue;
      if (now - connection.idleSince < idleConnectionMs) continue;
      this.#connections.splice(index, 1);
      connection.close();
    }
    return this.#connections.length > minConnections;
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections) connection.close();
  }
}

function leastUsed(connections: readonly Connection[], from: number, to: number): Connection | undefined {
  let best: Connection | undefined;
  for (let index = from; index < to; index++) {
    const connection = connections[index];
    if (connection?.ready !== true) continue;
    if (best === undefined || connection.load < best.load) best = connection;
  }
  return best;
}
