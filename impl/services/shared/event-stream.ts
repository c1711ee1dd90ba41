// A server stream over an event log, as event.proto promises: resume tokens, heartbeats, snapshots, limits. A service says what its
// messages look like and what they match; everything else is here, the same for all streams.
import type { Call } from "#impl/runtime/call.ts";
import type { Event } from "#impl/storage/events/event.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import type { PageTokens } from "./page-token.ts";

export interface EventStreamOptions<M> {
  readonly log: EventLog;
  readonly tokens: PageTokens;
  readonly call: Call;
  /** What the tokens are for, such as "inventory.watch.1". */
  readonly purpose: string;
  /** The arguments of the stream in a canonical form; tokens are bound to them. */
  readonly boundTo: string;
  /** From the request; empty means `start`. */
  readonly resumeToken: string;
  /** What a stream without a token begins with: the present state and then changes, or changes from now on. */
  readonly start: "snapshot" | "now";
  /** Events with at least one of these keys; undefined is all. */
  readonly keys?: readonly string[];
  /** From the request, milliseconds; undefined is the default of 15 s. */
  readonly heartbeatMs?: number | undefined;
  /** Messages a second at most; undefined is no limit. */
  readonly maxPerSecond?: number | undefined;
  /** The message of an event without its token; undefined when it does not match. */
  readonly update: (event: Event) => M | undefined;
  readonly heartbeat: (serverTime: Date) => M;
  /** The present state of all that matches, for `start: "snapshot"` and for expired tokens; read after the position was taken. */
  readonly snapshot?: (signal: AbortSignal) => AsyncIterable<M>;
  /** True for a message after which nothing can follow: the stream ends with OK. */
  readonly isLast?: (message: M) => boolean;
}

/** The messages of the stream, each with its resume token. */
export declare function eventStream<M extends { resumeToken: string }>(
  options: EventStreamOptions<M>,
): AsyncGenerator<M>;
