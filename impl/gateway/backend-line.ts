// The connections to one instance of a backend. One carries as many calls as the instance allows on it, then another is opened. A lost
// connection is made again in the background, with growing pauses while it cannot be.
import type { CancelTimer } from "#impl/runtime/clock.ts";
import type { Code } from "#impl/runtime/status.ts";
import type { WireConnection } from "#wire/connection.ts";
import { BackendBreaker, type BackendBreakerOptions } from "./backend-breaker.ts";

/** Opens a connection; rejects when that cannot be, or the signal aborts. */
export type Dial = (signal: AbortSignal) => Promise<WireConnection>;

export interface BackendLineOptions extends BackendBreakerOptions {
  readonly dial: Dial;
  readonly random: () => number;
  /** Told when a retired line has closed its last connection. */
  readonly onEmpty?: () => void;
  /** Connections to the instance at most; beyond what they carry calls wait. Default 16. */
  readonly maxConnections?: number;
  /** How long a connection may take to be there. Default 2 s. */
  readonly connectTimeoutMs?: number;
}

const MAX_CONNECTIONS = 16;
const CONNECT_TIMEOUT_MS = 2_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

/** One connection and the calls on it. */
export class Carrier {
  readonly connection: WireConnection;
  readonly #breaker: BackendBreaker;
  readonly #capacity: number;
  readonly #onIdle: () => void;
  #calls = 0;

  constructor(connection: WireConnection, breaker: BackendBreaker, onIdle: () => void) {
    this.connection = connection;
    this.#breaker = breaker;
    this.#capacity = connection.stats().maxConcurrentStreams;
    this.#onIdle = onIdle;
  }

  get calls(): number {
    return this.#calls;
  }

  get full(): boolean {
    return this.#calls >= this.#capacity;
  }

  /** A call begins; what it gives is to be called once with the status of its end. */
  begin(): (code: Code) => void {
    this.#calls += 1;
    const tell = this.#breaker.begin();
    return (code) => {
      this.#calls -= 1;
      tell(code);
      if (this.#calls === 0) this.#onIdle();
    };
  }
}

export class BackendLine {
  readonly address: string;
  readonly #options: BackendLineOptions;
  readonly #breaker: BackendBreaker;
  readonly #carriers = new Set<Carrier>();
  #connecting: Promise<Carrier> | undefined = undefined;
  #attempt: AbortController | undefined = undefined;
  #failures = 0;
  #cancelRetry: CancelTimer = () => {};
  #closed = false;

  constructor(options: BackendLineOptions) {
    this.address = options.address;
    this.#options = options;
    this.#breaker = new BackendBreaker(options);
  }

  /** Calls under way. */
  get calls(): number {
    let calls = 0;
    for (const carrier of this.#carriers) calls += carrier.calls;
    return calls;
  }

  /** False while it has failed too often. */
  get admits(): boolean {
    return this.#breaker.admits;
  }

  /** Whether there is a connection that takes calls. */
  get connected(): boolean {
    for (const { connection } of this.#carriers) if (connection.usable) return true;
    return false;
  }

  /** The least busy connection that takes calls; undefined while there is none. */
  get carrier(): Carrier | undefined {
    let best: Carrier | undefined;
    for (const carrier of this.#carriers) {
      if (carrier.connection.usable && (best === undefined || carrier.calls < best.calls)) best = carrier;
    }
    const { maxConnections = MAX_CONNECTIONS } = this.#options;
    if (best?.full === true && this.#carriers.size < maxConnections) this.connect().catch(() => {});
    return best;
  }

  /** A new connection, or the one that is being made. What fails is tried again in the background. */
  connect(): Promise<Carrier> {
    if (this.#closed) return Promise.reject(new Error(`${this.address}: no longer a backend`));
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** Takes no new calls; each connection is closed when the last call on it has ended. */
  retire(): void {
    this.#closed = true;
    this.#cancelRetry();
    this.#attempt?.abort(new Error("no longer a backend"));
    if (this.#carriers.size === 0) this.#options.onEmpty?.();
    for (const carrier of this.#carriers) if (carrier.calls === 0) void carrier.connection.close();
  }

  /** As `retire`, and cuts the calls that are open. */
  async close(): Promise<void> {
    this.retire();
    await Promise.all(Array.from(this.#carriers, ({ connection }) => connection.close()));
  }

  async #open(): Promise<Carrier> {
    const { clock, dial, connectTimeoutMs = CONNECT_TIMEOUT_MS } = this.#options;
    this.#cancelRetry();
    const attempt = new AbortController();
    this.#attempt = attempt;
    const cancelTimeout = clock.after(connectTimeoutMs, () =>
      attempt.abort(new Error(`${this.address}: not connected within ${connectTimeoutMs} ms`)),
    );
    try {
      const connection = await dial(attempt.signal);
      this.#failures = 0;
      return this.#add(connection);
    } catch (error) {
      this.#failed(error);
      throw error;
    } finally {
      cancelTimeout();
    }
  }

  #add(connection: WireConnection): Carrier {
    const carrier = new Carrier(connection, this.#breaker, () => {
      if (this.#closed) void connection.close();
    });
    this.#carriers.add(carrier);
    connection.onClose = () => {
      this.#carriers.delete(carrier);
      if (this.#carriers.size > 0) return;
      if (this.#closed) this.#options.onEmpty?.();
      else this.#again();
    };
    if (this.#closed) void connection.close();
    return carrier;
  }

  #failed(error: unknown): void {
    if (this.#closed) return;
    this.#failures += 1;
    if (this.#failures === 1) {
      this.#options.log.warn({ err: error, backend: this.address }, "a backend cannot be reached");
    }
    this.#again();
  }

  #again(): void {
    if (this.#closed) return;
    const { clock, random } = this.#options;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures, 10));
    this.#cancelRetry();
    this.#cancelRetry = clock.after(pauseMs * (0.5 + random() / 2), () => {
      this.connect().catch(() => {});
    });
  }
}
