// Both sides of LiveUpdates, for a test that says what it follows while it reads.

import type { LiveUpdatesRequest, LiveUpdatesResponse, SubscribeLive } from "#proto/ecommerce/v1/gateway.ts";
import type { EcommerceServices } from "../client/ecommerce-client.ts";

export type LiveTopic = SubscribeLive["topic"];

export interface LiveStream {
  subscribe(subscriptionId: string, topic: LiveTopic, resumeToken?: string): void;
  unsubscribe(subscriptionId: string): void;
  /** Rejects when the stream ends or fails. */
  next(): Promise<LiveUpdatesResponse>;
  halfClose(): void;
  /** Whether it ended rather than told something. */
  ended(): Promise<boolean | undefined>;
  cut(): void;
}

export function liveStream({ gateway }: Pick<EcommerceServices, "gateway">): LiveStream {
  const stop = new AbortController();
  const wanted: LiveUpdatesRequest[] = [];
  let closed = false;
  let wake = (): void => {};
  async function* requests(): AsyncGenerator<LiveUpdatesRequest> {
    for (;;) {
      yield* wanted.splice(0);
      if (wanted.length > 0) continue;
      if (closed) return;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const responses = gateway.liveUpdates(requests(), { signal: stop.signal })[Symbol.asyncIterator]();
  const ask = (action: LiveUpdatesRequest["action"]): void => {
    wanted.push({ action });
    wake();
  };
  return {
    subscribe: (subscriptionId, topic, resumeToken = "") =>
      ask({ $case: "subscribe", value: { subscriptionId, topic, resumeToken } }),
    unsubscribe: (subscriptionId) => ask({ $case: "unsubscribe", value: { subscriptionId } }),
    async next() {
      const { value, done } = await responses.next();
      if (done === true) throw new Error("the stream ended");
      return value;
    },
    halfClose() {
      closed = true;
      wake();
    },
    ended: async () => (await responses.next()).done,
    cut: () => stop.abort(),
  };
}
