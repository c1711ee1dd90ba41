// The messages that follow an event log, as event.proto promises: resume tokens, snapshots, heartbeats, a pace. Knows no call: one
// call may follow a log several times.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Event } from "#impl/storage/events/event.ts";
import { EventsExpired, type SlowConsumer } from "#impl/storage/events/event-errors.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { resumeExpired } from "./event-stream-errors.ts";
import { createPace } from "./event-stream-pace.ts";
import { type Place, type PlaceTokens, placeTokens } from "./event-stream-place.ts";
import type { PageTokens } from "./page-token.ts";

/** What to follow and how to say it. `M` is a message of the service without its token. */
export interface EventMessagesOptions<M> {
  readonly log: Pick<EventLog, "head" | "subscribe">;
  readonly tokens: PageTokens;
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
  /** Messages a second at most; undefined is no limit. */
  readonly maxPerSecond?: number | undefined;
  /** The message of an event without its token; undefined when it does not match. */
  readonly update: (event: Event) => M | undefined;
  /** The present state of all that matches, for `start: "snapshot"` and for expired tokens; read after the position was taken. */
  readonly snapshot?: (signal: AbortSignal) => AsyncIterable<M>;
  /** Sent before all others. */
  readonly opening?: () => M;
}

export interface EventMessagesContext<M> {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** After so much silence; undefined for none. */
  readonly heartbeat?: { readonly everyMs: number; readonly message: (serverTime: Date) => M };
  /** Told where the messages begin, as a token. */
  readonly onBegin?: (resumeToken: string) => void;
  /** Told when the log gives up on a reader that does not read; it may be waiting elsewhere. */
  readonly onSlow: (error: SlowConsumer) => void;
}

/** For ever, or until the signal aborts. Throws INVALID_ARGUMENT and OUT_OF_RANGE for tokens. */
export async function* eventMessages<M extends { resumeToken: string }>(
  options: EventMessagesOptions<M>,
  context: EventMessagesContext<M>,
): AsyncGenerator<M> {
  const { log, resumeToken, start, opening } = options;
  const places = placeTokens(options);
  let place: Place = start;
  if (resumeToken !== "") place = places.open(resumeToken);
  // Before the snapshot is read: what changes meanwhile comes twice, and never not at all.
  const after = typeof place === "bigint" ? place : await log.head(context.signal);
  const begin = places.seal(place === "snapshot" ? place : after);
  context.onBegin?.(begin);
  if (opening !== undefined) yield { ...opening(), resumeToken: begin };
  if (place === "snapshot") {
    yield* snapshot(options, context, places, after);
    context.onBegin?.(places.seal(after));
  }
  try {
    yield* changes(options, context, places, after);
  } catch (error) {
    throw error instanceof EventsExpired ? resumeExpired(places.snapshot, error) : error;
  }
}

/** Only its last message can be followed by changes: whoever is cut off earlier needs all of it again. */
async function* snapshot<M extends { resumeToken: string }>(
  { snapshot }: EventMessagesOptions<M>,
  { signal }: EventMessagesContext<M>,
  places: PlaceTokens,
  after: bigint,
): AsyncGenerator<M> {
  if (snapshot === undefined) throw new TypeError("a stream without a snapshot cannot begin with one");
  let held: M | undefined;
  for await (const message of snapshot(signal)) {
    if (held !== undefined) yield { ...held, resumeToken: places.seal("snapshot") };
    held = message;
  }
  if (held !== undefined) yield { ...held, resumeToken: places.seal(after) };
}

async function* changes<M extends { resumeToken: string }>(
  { log, keys, update, maxPerSecond }: EventMessagesOptions<M>,
  { clock, signal, heartbeat, onSlow }: EventMessagesContext<M>,
  places: PlaceTokens,
  after: bigint,
): AsyncGenerator<M> {
  const pace = createPace(clock, maxPerSecond);
  const silenceMs = heartbeat?.everyMs ?? Number.POSITIVE_INFINITY;
  const subscription = log.subscribe({ after, signal, onSlow, ...(keys === undefined ? {} : { keys }) });
  try {
    for (let sentAt = clock.monotonic(); ; ) {
      const leftMs = sentAt + silenceMs - clock.monotonic();
      const event = leftMs > 0 ? await subscription.next(leftMs) : undefined;
      const message = event === undefined ? heartbeat?.message(new Date(clock.now())) : update(event);
      if (message === undefined) continue;
      if (event !== undefined && pace !== undefined) await pace(signal);
      yield { ...message, resumeToken: places.seal(event?.position ?? subscription.position) };
      sentAt = clock.monotonic();
    }
  } finally {
    subscription.close();
  }
}
