// Keeps a set of revocations up to date from the stream of AuthService, as every process that verifies tokens does. While the stream is down
// tokens go on working until they expire, which is minutes: nobody is locked out because one service is. It is told in the log and by a metric.
import { type Clock, sleep } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import type { WatchRevocationsRequest, WatchRevocationsResponse } from "#proto/ecommerce/v1/auth.ts";
import type { RevocationSet } from "./revocation-set.ts";

export interface RevocationFeedOptions {
  readonly watch: (
    request: WatchRevocationsRequest,
    options: { readonly signal: AbortSignal },
  ) => AsyncIterable<WatchRevocationsResponse>;
  readonly revocations: RevocationSet;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1): how long to wait before the stream is opened again, so that not all do it at once. */
  readonly random: () => number;
}

export interface RevocationFeed {
  /** Whether revocations arrive. */
  readonly up: boolean;
  stop(): Promise<void>;
}

/** Three heartbeats: a stream that is silent for longer is dead. */
const SILENCE_MS = 45_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

export function startRevocationFeed(options: RevocationFeedOptions): RevocationFeed {
  const { watch, revocations, clock, log, random } = options;
  const stopped = new AbortController();
  let up: boolean | undefined;
  let resumeToken = "";
  let pauseMs = FIRST_PAUSE_MS;

  const follow = async (): Promise<void> => {
    const silent = new AbortController();
    const signal = AbortSignal.any([stopped.signal, silent.signal]);
    const expectMore = () => clock.after(SILENCE_MS, () => silent.abort(new Error("the stream fell silent")));
    let cancelExpectation = expectMore();
    try {
      for await (const message of watch({ resumeToken }, { signal })) {
        cancelExpectation();
        cancelExpectation = expectMore();
        if (message.event?.$case === "revocation") revocations.add(message.event.value);
        resumeToken = message.resumeToken;
        if (up === false) log.info({}, "revocations arrive again");
        up = true;
        pauseMs = FIRST_PAUSE_MS;
      }
    } finally {
      cancelExpectation();
    }
  };
  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      try {
        await follow();
      } catch (error) {
        if (stopped.signal.aborted) return;
        if (up !== false)
          log.warn({ err: error }, "revocations do not arrive: tokens work until they expire");
        // All that is of effect comes again: what was kept may be a place in the stream that is no more.
        if (up !== true) resumeToken = "";
        up = false;
      }
      await sleep(clock, pauseMs * (0.5 + random() / 2), stopped.signal).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  };
  const ended = run();
  return {
    get up() {
      return up === true;
    },
    stop() {
      stopped.abort(new Error("the feed was stopped"));
      return ended;
    },
  };
}
