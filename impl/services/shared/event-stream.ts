// A server stream over an event log. A service says what its messages look like and what they match; everything else is the same for
// all streams.
import type { Call } from "#impl/runtime/call.ts";
import type { SlowConsumer } from "#impl/storage/events/event-errors.ts";
import { type EventMessagesOptions, eventMessages } from "./event-messages.ts";
import { tooSlow } from "./event-stream-errors.ts";

export interface EventStreamOptions<M> extends EventMessagesOptions<M> {
  readonly call: Call;
  /** From the request, milliseconds; undefined is the default of 15 s. */
  readonly heartbeatMs?: number | undefined;
  readonly heartbeat: (serverTime: Date) => M;
  /** True for a message after which nothing can follow: the stream ends with OK. */
  readonly isLast?: (message: M) => boolean;
}

export const DEFAULT_HEARTBEAT_MS = 15_000;

/** The messages of the stream, each with its resume token, which the call knows too. */
export async function* eventStream<M extends { resumeToken: string }>(
  options: EventStreamOptions<M>,
): AsyncGenerator<M> {
  const { call, heartbeat, heartbeatMs = DEFAULT_HEARTBEAT_MS, isLast } = options;
  const messages = eventMessages(options, {
    clock: call.environment.clock,
    signal: call.signal,
    heartbeat: { everyMs: heartbeatMs, message: heartbeat },
    onBegin(resumeToken) {
      call.resumeToken = resumeToken;
      call.onBegin?.(resumeToken);
    },
    // The stream may be waiting for its reader and would not hear of it.
    onSlow: (error: SlowConsumer) => call.fail(tooSlow(error, call.resumeToken)),
  });
  for await (const message of messages) {
    call.nextResumeToken = message.resumeToken;
    yield message;
    if (isLast?.(message) === true) return;
  }
}
