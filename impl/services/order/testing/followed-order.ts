// An order that is tracked from its first version on, by a stream that can be cut and resumes where it was.
import { expect } from "vitest";
import type { OrderEvent } from "#proto/ecommerce/v1/order_service.ts";
import type { OrderClient } from "./order-process.ts";

export interface FollowedOrder {
  /** What was told so far. */
  readonly events: readonly OrderEvent[];
  cut(): Promise<void>;
  /** Waits until this version was told, and lets go of the stream. */
  end(etag: string): Promise<void>;
}

/** Resolves once the order was told as it stands. */
export async function followOrder(client: OrderClient, orderId: string): Promise<FollowedOrder> {
  const events: OrderEvent[] = [];
  let resumeToken = "";
  const read = async (signal: AbortSignal): Promise<void> => {
    const request = { orderId, heartbeatInterval: undefined, resumeToken };
    try {
      for await (const message of client.trackOrder(request, { signal, deadlineMs: 60_000 })) {
        if (message.event?.$case === "update") events.push(message.event.value);
        resumeToken = message.resumeToken;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };
  const open = () => {
    const stop = new AbortController();
    const over = read(stop.signal);
    // Whoever closes it hears what went wrong.
    over.catch(() => undefined);
    return {
      async close() {
        stop.abort();
        await over;
      },
    };
  };
  let stream = open();
  await expect.poll(() => events.length).toBe(1);
  return {
    events,
    async cut() {
      await stream.close();
      stream = open();
    },
    async end(etag) {
      try {
        await expect.poll(() => events.at(-1)?.order?.etag).toBe(etag);
      } finally {
        await stream.close();
      }
    },
  };
}
