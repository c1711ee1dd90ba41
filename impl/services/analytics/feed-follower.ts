// Counts what a feed tells, from where it was last counted to, for ever. Of all processes one follows a feed: who has the feed's lock. The
// others wait for it, and the place in the database refuses whoever still believes to have it.
import { CallError } from "#impl/client/call-error.ts";
import { type Clock, sleep } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { Code } from "#impl/runtime/status.ts";
import type { SessionLocks } from "#impl/storage/session-locks.ts";
import { inBatches } from "./batches.ts";
import type { Feed, FeedMessage } from "./feed.ts";
import type { FeedPlace, OccurrenceStore } from "./occurrence-store.ts";

export interface FeedFollowerOptions {
  readonly feed: Feed;
  readonly store: OccurrenceStore;
  readonly locks: SessionLocks;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between attempts to have the lock, and after a failure. Default 1000. */
  readonly pauseMs?: number;
  /** Messages that are counted in one transaction at most. Default 500. */
  readonly batch?: number;
}

/** What a source tells with a time may be preceded by what was written just before and is still on its way. */
const ON_ITS_WAY_MS = 500;

export interface FeedFollower {
  stop(): Promise<void>;
}

export function startFeedFollower(options: FeedFollowerOptions): FeedFollower {
  const { feed, locks, clock, log, pauseMs = 1_000 } = options;
  const stopped = new AbortController();
  const { signal } = stopped;
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        const lock = await locks.take(`analytics follows ${feed.source}`);
        try {
          if (lock !== undefined) await followFeed(options, AbortSignal.any([signal, lock.lost]));
        } finally {
          await lock?.release();
        }
      } catch (error) {
        if (!signal.aborted) report(log, feed, error);
      }
      await sleep(clock, pauseMs, signal).catch(() => {});
    }
  };
  const ended = loop();
  return {
    stop() {
      stopped.abort(new Error("the process stops"));
      return ended;
    },
  };
}

/** Streams end, by their deadline or when a server drains, and are resumed. */
function report(log: Logger, { source }: Feed, error: unknown): void {
  const expected = error instanceof CallError && ENDS.has(error.code);
  const fields = { err: error, source };
  if (expected) log.debug(fields, "a stream that is counted has ended and will be resumed");
  else log.warn(fields, "counting a stream has failed and will be tried again");
}

const ENDS: ReadonlySet<Code> = new Set([Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED]);

/** Until the stream ends, however it ends. Rejects with what ended it. */
export async function followFeed(
  options: Pick<FeedFollowerOptions, "feed" | "store" | "batch">,
  signal: AbortSignal,
): Promise<void> {
  const { feed, store, batch = 500 } = options;
  let place = await beginning(options, signal);
  if (!place.listed) place = await list(options, place, signal);
  try {
    for await (const messages of inBatches(feed.watch(place.resumeToken, signal), batch)) {
      const next = { resumeToken: messages.at(-1)?.resumeToken ?? place.resumeToken, listed: true };
      const occurrences = messages.flatMap((message) => message.occurrences);
      await store.step(
        feed.source,
        place,
        { occurrences, place: next, through: throughOf(messages) },
        signal,
      );
      place = next;
    }
  } catch (error) {
    if (!(error instanceof CallError) || error.code !== Code.OUT_OF_RANGE) throw error;
    await beginAgain(options, place, error, signal);
  }
}

/** A stream that begins now tells at once where that is; it is not yet followed. */
async function beginning(
  { feed, store }: Pick<FeedFollowerOptions, "feed" | "store">,
  signal: AbortSignal,
): Promise<FeedPlace> {
  const known = await store.place(feed.source, signal);
  if (known !== undefined) return known;
  for await (const { resumeToken } of feed.watch("", signal)) {
    await store.begin(feed.source, resumeToken, signal);
    break;
  }
  const begun = await store.place(feed.source, signal);
  if (begun === undefined) throw new Error(`the stream of ${feed.source} has ended before its first message`);
  return begun;
}

/** What the first message told, and all from before, is in the list; what changes meanwhile comes with the stream. */
async function list(
  { feed, store }: Pick<FeedFollowerOptions, "feed" | "store">,
  from: FeedPlace,
  signal: AbortSignal,
): Promise<FeedPlace> {
  for await (const occurrences of feed.list(signal)) {
    await store.step(feed.source, from, { occurrences, place: from, through: undefined }, signal);
  }
  const place = { ...from, listed: true };
  await store.step(feed.source, from, { occurrences: [], place, through: undefined }, signal);
  return place;
}

/** The events after the place are no longer kept: everything is told again as it stands, and what is new in it counted. */
async function beginAgain(
  { feed, store }: Pick<FeedFollowerOptions, "feed" | "store">,
  from: FeedPlace,
  error: CallError,
  signal: AbortSignal,
): Promise<void> {
  const resumeToken = error.details.resumeExpired?.snapshotToken ?? "";
  if (resumeToken === "") throw error;
  const place = { resumeToken, listed: true };
  await store.step(feed.source, from, { occurrences: [], place, through: undefined }, signal);
}

function throughOf(messages: readonly FeedMessage[]): number | undefined {
  const times = messages.flatMap(({ through }) => (through === undefined ? [] : [through]));
  return times.length === 0 ? undefined : Math.max(...times) - ON_ITS_WAY_MS;
}
