// A server stream over an event log, as event.proto promises: resume tokens, heartbeats, snapshots, limits. A service says what its
// messages look like and what they match; everything else is here, the same for all streams.
import type { Call } from "#impl/runtime/call.ts";
import type { Event } from "#impl/storage/events/event.ts";
import { EventsExpired, type SlowConsumer } from "#impl/storage/events/event-errors.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { resumeExpired, tooSlow } from "./event-stream-errors.ts";
import { createPace } from "./event-stream-pace.ts";
import { type Place, type PlaceTokens, placeTokens } from "./event-stream-place.ts";
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

const DEFAULT_HEARTBEAT_MS = 15_000;

/** The messages of the stream, each with its resume token. */
export async function* eventStream<M extends { resumeToken: string }>(
  options: EventStreamOptions<M>,
): AsyncGenerator<M> {
  const { call, isLast } = options;
  for await (const message of messages(options, placeTokens(options))) {
    call.nextResumeToken = message.resumeToken;
    yield message;
    if (isLast?.(message) === true) return;
  }
}

async function* messages<M extends { resumeToken: string }>(
  options: EventStreamOptions<M>,
  places: PlaceTokens,
): AsyncGenerator<M> {
  const { log, call, resumeToken, start } = options;
  let place: Place = start;
  if (resumeToken !== "") place = places.open(resumeToken);
  // Before the snapshot is read: what changes meanwhile comes twice, and never not at all.
  const after = typeof place === "bigint" ? place : await log.head(call.signal);
  if (place === "snapshot") {
    call.resumeToken = places.seal(place);
    yield* snapshot(options, places, after);
  }
  call.resumeToken = places.seal(after);
  yield* changes(options, places, after);
}

/** Only its last message can be followed by changes: whoever is cut off earlier needs all of it again. */
async function* snapshot<M extends { resumeToken: string }>(
  { snapshot, call }: EventStreamOptions<M>,
  places: PlaceTokens,
  after: bigint,
): AsyncGenerator<M> {
  if (snapshot === undefined) throw new TypeError("a stream without a snapshot cannot begin with one");
  let held: M | undefined;
  for await (const message of snapshot(call.signal)) {
    if (held !== undefined) yield { ...held, resumeToken: places.seal("snapshot") };
    held = message;
  }
  if (held !== undefined) yield { ...held, resumeToken: places.seal(after) };
}

async function* changes<M extends { resumeToken: string }>(
  options: EventStreamOptions<M>,
  places: PlaceTokens,
  after: bigint,
): AsyncGenerator<M> {
  const { log, call, keys, update, heartbeat, heartbeatMs = DEFAULT_HEARTBEAT_MS } = options;
  const { clock } = call.environment;
  const pace = createPace(clock, options.maxPerSecond);
  // The stream may be waiting for its reader and would not hear of it.
  const onSlow = (error: SlowConsumer): void => call.fail(tooSlow(error, call.resumeToken));
  const subscription = log.subscribe({
    after,
    signal: call.signal,
    onSlow,
    ...(keys === undefined ? {} : { keys }),
  });
  try {
    for (let sentAt = clock.monotonic(); ; ) {
      const leftMs = sentAt + heartbeatMs - clock.monotonic();
      const event = leftMs > 0 ? await subscription.next(leftMs) : undefined;
      const message = event === undefined ? heartbeat(new Date(clock.now())) : update(event);
      if (message === undefined) continue;
      if (event !== undefined) await pace(call.signal);
      yield { ...message, resumeToken: places.seal(event?.position ?? subscription.position) };
      sentAt = clock.monotonic();
    }
  } catch (error) {
    throw error instanceof EventsExpired ? resumeExpired(places.snapshot, error) : error;
  } finally {
    subscription.close();
  }
}
