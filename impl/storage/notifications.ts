// Hears what PostgreSQL notifies, on one connection of its own that all listeners of a database share. The first listener opens
// it, and it is opened again when it is lost. A notification may be missed meanwhile: whoever listens must also look now and then.
import pg from "pg";
import type { StorageLog } from "./storage-log.ts";

export interface NotificationOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly connectTimeoutMs: number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly log: StorageLog;
}

/** Told the payload; undefined when the connection was made, before which anything may have been missed. Must not throw. */
export type NotificationListener = (payload: string | undefined) => void;

const firstPauseMs = 50;
const longestPauseMs = 5_000;

export class Notifications {
  readonly #options: NotificationOptions;
  readonly #listeners = new Map<string, Set<NotificationListener>>();
  readonly #closing = new AbortController();
  #client: pg.Client | undefined;
  /** The last statement that was begun: a connection takes one at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #running: Promise<void> | undefined;
  #failures = 0;

  constructor(options: NotificationOptions) {
    this.#options = options;
  }

  /** Returns how to stop listening. */
  listen(channel: string, listener: NotificationListener): () => void {
    const known = this.#listeners.get(channel);
    const told = known ?? new Set();
    this.#listeners.set(channel, told.add(listener));
    this.#running ??= this.#stayConnected();
    // When this fails, the connection is lost, and the next one listens to all channels.
    const client = this.#client;
    if (known === undefined && client !== undefined) {
      this.#turn = this.#turn.then(() => client.query(listenTo(channel))).catch(() => {});
    }
    return () => {
      told.delete(listener);
    };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #stayConnected(): Promise<void> {
    const { sleep, random, log } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#connectOnce(signal).catch((error: unknown) => {
        this.#failures += 1;
        if (!signal.aborted && this.#failures === 1)
          log.warn({ err: error }, "no connection for notifications");
      });
      const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures);
      await sleep(longest * (0.5 + random() / 2), signal).catch(() => {});
    }
  }

  /** Rejects when the connection is lost or closed. */
  async #connectOnce(signal: AbortSignal): Promise<never> {
    const client = this.#newClient();
    const { promise: lost, reject } = Promise.withResolvers<never>();
    // It may be lost before anybody waits for it.
    lost.catch(() => {});
    client.on("error", reject);
    client.on("end", () => reject(new Error("the connection ended")));
    const end = (): Promise<void> => client.end().catch(() => {});
    signal.addEventListener("abort", end, { once: true });
    try {
      await Promise.race([lost, client.connect()]);
      client.on("notification", ({ channel, payload }) => this.#tell(channel, payload));
      this.#client = client;
      const listening = client.query([...this.#listeners.keys()].map(listenTo).join(";"));
      this.#turn = listening.catch(() => {});
      await Promise.race([lost, listening]);
      this.#failures = 0;
      for (const channel of this.#listeners.keys()) this.#tell(channel, undefined);
      return await lost;
    } finally {
      this.#client = undefined;
      signal.removeEventListener("abort", end);
      void end();
    }
  }

  #newClient(): pg.Client {
    const { url, applicationName, connectTimeoutMs } = this.#options;
    return new pg.Client({
      connectionString: url,
      application_name: `${applicationName} notifications`,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
    });
  }

  #tell(channel: string, payload: string | undefined): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener(payload);
  }
}

function listenTo(channel: string): string {
  return `listen ${pg.escapeIdentifier(channel)}`;
}
