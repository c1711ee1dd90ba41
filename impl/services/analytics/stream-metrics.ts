// StreamMetrics: the log of occurrences as windows of figures. Everything a stream knows follows from the log and its token: whoever
// resumes fills the open windows again from the log, shows nothing of that, and goes on.
import type { Call } from "#impl/runtime/call.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import type { Event } from "#impl/storage/events/event.ts";
import { EventsExpired, type SlowConsumer } from "#impl/storage/events/event-errors.ts";
import type { EventLog, Subscription } from "#impl/storage/events/event-log.ts";
import { positionBefore } from "#impl/storage/events/event-position.ts";
import type { StreamMetricsRequest, StreamMetricsResponse } from "#proto/ecommerce/v1/analytics.ts";
import { DEFAULT_HEARTBEAT_MS } from "../shared/event-stream.ts";
import { resumeExpired, tooSlow } from "../shared/event-stream-errors.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { seriesOfSums, windowMessage } from "./metric-series.ts";
import { type MetricsPlace, type MetricsPlaces, metricsPlaces } from "./metrics-place.ts";
import { entriesOf, type MetricsQuery, readQuery } from "./metrics-query.ts";
import { occurrenceOf } from "./occurrence-event.ts";
import { OpenWindows, type WindowSums } from "./open-windows.ts";
import type { PaneLimits } from "./pane-sums.ts";
import { PROGRESS_MS, type Progress, type ProgressReader, watermarkOf } from "./progress.ts";
import { firstWindow, spanOf } from "./window-frame.ts";

/** Memory of a stream: 1000 combinations a metric and window as the contract says, and about 30 MB in all. */
export const PANE_LIMITS: PaneLimits = { combinations: 1_000, sums: 100_000 };

export interface MetricsPace {
  /** How often it is looked whether windows have become final. */
  readonly finalMs: number;
  /** A window that fills is sent at most so often. */
  readonly partialMs: number;
}

export const METRICS_PACE: MetricsPace = { finalMs: PROGRESS_MS, partialMs: 1_000 };

export interface MetricsStreamContext {
  readonly database: Database<unknown>;
  readonly events: EventLog;
  readonly progress: ProgressReader;
  readonly tokens: PageTokens;
  readonly clock: Clock;
  /** Default PANE_LIMITS. */
  readonly limits?: PaneLimits;
  /** Default METRICS_PACE. */
  readonly pace?: MetricsPace;
}

export async function* streamMetrics(
  context: MetricsStreamContext,
  request: StreamMetricsRequest,
  call: Call,
): AsyncGenerator<StreamMetricsResponse> {
  const { database, events, tokens } = context;
  const query = readQuery(request);
  const places = metricsPlaces(tokens, query);
  const from = await placeOf(context, query, places, request.resumeToken, call.signal);
  call.resumeToken = places.seal(from);
  call.onBegin?.(call.resumeToken);
  const { windows } = from;
  const oldest = spanOf(query.frame, Math.max(windows.begin, windows.closed)).start;
  const refill = await positionBefore(database, "analytics", oldest, call.signal);
  const subscription = events.subscribe({
    keys: query.sources,
    after: refill < from.position ? refill : from.position,
    signal: call.signal,
    // The stream may be waiting for its reader and would not hear of it.
    onSlow: (error: SlowConsumer) => call.fail(tooSlow(error, call.resumeToken)),
  });
  const stream = new MetricsStream(context, query, from, subscription);
  const heartbeatMs = millisecondsOf(request.heartbeatInterval) ?? DEFAULT_HEARTBEAT_MS;
  try {
    for await (const event of stream.messages(heartbeatMs)) {
      const resumeToken = places.seal(stream.place);
      call.nextResumeToken = resumeToken;
      yield { event, resumeToken };
    }
  } catch (error) {
    throw error instanceof EventsExpired ? resumeExpired(places.anew, error) : error;
  } finally {
    subscription.close();
  }
}

async function placeOf(
  { events, clock }: MetricsStreamContext,
  { frame }: MetricsQuery,
  places: MetricsPlaces,
  token: string,
  signal: AbortSignal,
): Promise<MetricsPlace> {
  const known = token === "" ? undefined : places.open(token);
  if (known !== undefined) return known;
  const position = await events.head(signal);
  const begin = firstWindow(frame, clock.now());
  const windows = { begin, closed: Number.NEGATIVE_INFINITY, late: 0 };
  // What is in its windows already is news to whoever begins.
  return { windows, position, told: 0n, toldWindow: Number.NEGATIVE_INFINITY };
}

type Message = StreamMetricsResponse["event"];

class MetricsStream {
  readonly #context: MetricsStreamContext;
  readonly #query: MetricsQuery;
  readonly #from: MetricsPlace;
  readonly #subscription: Subscription;
  readonly #windows: OpenWindows;
  #watermark = Number.NEGATIVE_INFINITY;
  #position: bigint;
  #told: bigint;
  #toldWindow: number;

  constructor(
    context: MetricsStreamContext,
    query: MetricsQuery,
    from: MetricsPlace,
    subscription: Subscription,
  ) {
    this.#context = context;
    this.#query = query;
    this.#from = from;
    this.#subscription = subscription;
    this.#windows = new OpenWindows(query.frame, from.windows, context.limits ?? PANE_LIMITS);
    this.#position = from.position;
    this.#told = from.told;
    this.#toldWindow = from.toldWindow;
  }

  /** Where to go on after the message that was given last. */
  get place(): MetricsPlace {
    return {
      windows: this.#windows.state,
      position: this.#position,
      told: this.#told,
      toldWindow: this.#toldWindow,
    };
  }

  async *messages(heartbeatMs: number): AsyncGenerator<Message> {
    const { clock, progress, pace = METRICS_PACE } = this.#context;
    const first = await this.#refill();
    let sentAt = clock.monotonic();
    let partialAt = sentAt;
    if (this.#query.includePartial) {
      for (const message of this.#partial(this.#toldWindow)) yield message;
    }
    if (first !== undefined) this.#add(first, false);
    this.#position = this.#subscription.position;
    let lookAt = sentAt;
    let seen: Progress | undefined;
    for (;;) {
      const now = clock.monotonic();
      if (seen === undefined && now >= lookAt) {
        seen = await progress.read();
        lookAt = clock.monotonic() + pace.finalMs;
      }
      if (seen !== undefined && this.#position >= seen.position) {
        for (const message of this.#final(seen)) {
          yield message;
          sentAt = clock.monotonic();
        }
        seen = undefined;
      }
      if (this.#query.includePartial && now - partialAt >= pace.partialMs) {
        partialAt = now;
        for (const message of this.#partial(Number.NEGATIVE_INFINITY)) {
          yield message;
          sentAt = clock.monotonic();
        }
      }
      if (clock.monotonic() - sentAt >= heartbeatMs) {
        yield { $case: "heartbeat", value: { serverTime: new Date(clock.now()) } };
        sentAt = clock.monotonic();
      }
      await this.#take(Math.max(0, Math.min(lookAt, sentAt + heartbeatMs) - clock.monotonic()));
    }
  }

  /** Everything that had come when the token was given. The first event that came later, if it was read. */
  async #refill(): Promise<Event | undefined> {
    const { position, told } = this.#from;
    while (this.#subscription.position < position) {
      const event = await this.#subscription.next(PROGRESS_MS);
      if (event === undefined) continue;
      if (event.position > position) return event;
      this.#add(event, true);
      if (event.position <= told) this.#windows.forgetChanges();
    }
    return undefined;
  }

  async #take(waitMs: number): Promise<void> {
    let event = await this.#subscription.next(waitMs);
    // Not one by one with a look at the clock between, but so many that nobody waits for long.
    for (let taken = 0; event !== undefined && taken < 256; taken++) {
      this.#add(event, false);
      event = await this.#subscription.next(0);
    }
    if (event !== undefined) this.#add(event, false);
    this.#position = this.#subscription.position;
  }

  #add(event: Event, again: boolean): void {
    const { time, facts } = occurrenceOf(event);
    this.#windows.take(time, entriesOf(this.#query, facts), again);
  }

  *#final(progress: Progress): Generator<Message> {
    const watermark = watermarkOf(progress, this.#query.sources) - this.#query.latenessMs;
    this.#watermark = Math.max(this.#watermark, watermark);
    for (const window of this.#windows.pass(this.#watermark)) yield this.#message(window, true);
  }

  /** The windows after this one that have changed since they were told. */
  *#partial(after: number): Generator<Message> {
    const position = this.#position;
    for (const index of this.#windows.changed()) {
      if (index <= after) continue;
      this.#toldWindow = index;
      yield this.#message(this.#windows.window(index), false);
    }
    this.#told = position;
    this.#toldWindow = Number.NEGATIVE_INFINITY;
  }

  #message({ index, sums }: WindowSums, final: boolean): Message {
    const { metrics, dimensions, frame } = this.#query;
    const series = seriesOfSums(sums, metrics, dimensions);
    const lateCount = BigInt(this.#windows.state.late);
    return {
      $case: "window",
      value: windowMessage(spanOf(frame, index), this.#watermark, { final, lateCount, series }),
    };
  }
}
