// A stream of another service as figures need it: what occurred, and how far it is.
import type { Occurrence } from "./occurrence.ts";

export interface FeedMessage {
  readonly occurrences: readonly Occurrence[];
  /** Everything that was committed before has been told; undefined when the message does not say so. */
  readonly through: number | undefined;
  readonly resumeToken: string;
}

export interface Feed {
  readonly source: "orders" | "payments";
  /** After the token; an empty one is from now on. */
  watch(resumeToken: string, signal: AbortSignal): AsyncIterable<FeedMessage>;
  /** All that there is, page by page. */
  list(signal: AbortSignal): AsyncIterable<readonly Occurrence[]>;
}

/** A source is silent for no longer: the watermark goes on. */
export const FEED_HEARTBEAT = { seconds: 1n, nanos: 0 };
