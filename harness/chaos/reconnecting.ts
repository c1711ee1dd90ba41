// A connection to a system that comes and goes: whoever asks gets one that works, and waits while there is none.

import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";

export interface Reconnecting {
  /** Rejects only with the signal's reason. */
  get(signal: AbortSignal): Promise<WireConnection>;
  close(): Promise<void>;
}

const RETRY_MS = 25;

export function reconnecting(address: { readonly host: string; readonly port: number }): Reconnecting {
  let current: Promise<WireConnection> | undefined;
  return {
    async get(signal) {
      for (;;) {
        current ??= connect(address);
        const connection = await current.catch(() => undefined);
        if (connection?.usable === true) return connection;
        current = undefined;
        await sleep(RETRY_MS, undefined, { signal });
      }
    },
    async close() {
      const connection = await current?.catch(() => undefined);
      await connection?.close();
    },
  };
}
