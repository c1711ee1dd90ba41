// A connection to a system that comes and goes: whoever asks gets one that works, and waits while there is none.

import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";

export interface Reconnecting {
  /** Rejects only with the signal's reason. */
  get(signal: AbortSignal): Promise<WireConnection>;
  /** This one is silent: whoever asks from now on gets another. Calls on it end as unknown. */
  discard(connection: WireConnection): void;
  close(): Promise<void>;
}

const RETRY_MS = 25;
/** Something may accept the connection and then be silent: a system that is frozen, a link that carries nothing. */
const CONNECT_TIMEOUT_MS = 2_000;

export function reconnecting(address: { readonly host: string; readonly port: number }): Reconnecting {
  const closing = new AbortController();
  let current: Promise<WireConnection | undefined> | undefined;
  return {
    async get(signal) {
      for (;;) {
        current ??= attempt(address, closing.signal);
        const connection = await orAborted(current, signal);
        if (connection?.usable === true) return connection;
        current = undefined;
        await sleep(RETRY_MS, undefined, { signal });
      }
    },
    discard(connection) {
      // No longer usable from now on, which `get` sees.
      void connection.close();
    },
    async close() {
      closing.abort();
      await (await current)?.close();
    },
  };
}

/** Undefined when it failed. */
function attempt(
  address: { readonly host: string; readonly port: number },
  closing: AbortSignal,
): Promise<WireConnection | undefined> {
  const signal = AbortSignal.any([closing, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
  return connect({ ...address, signal }).catch(() => undefined);
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
