// A topic of LiveUpdates that goes on where it was when the stream of its service breaks, as when one instance stops and another is there.
import { type Clock, sleep } from "#impl/runtime/clock.ts";
import { Code } from "#impl/runtime/status.ts";
import type { LiveMessage } from "./live-topics.ts";
import { isCode } from "./order-watch.ts";

/** After so long without its service a topic fails; so do readers of orders (order-feed.ts). */
const OUTAGE_MS = 10_000;
const RETRY_MS = 100;

/** Rejects with what the service said when it refuses, or is gone for too long, or was not there at first. */
export async function* resumedTopic(
  open: (resumeToken: string) => AsyncIterable<LiveMessage>,
  from: string,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<LiveMessage> {
  let resumeToken = from;
  let begun = false;
  let failingSince: number | undefined;
  for (;;) {
    try {
      for await (const message of open(resumeToken)) {
        begun = true;
        failingSince = undefined;
        if (message.resumeToken !== "") ({ resumeToken } = message);
        yield message;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      const now = clock.monotonic();
      failingSince ??= now;
      if (!begun || !isCode(error, Code.UNAVAILABLE) || now - failingSince >= OUTAGE_MS) throw error;
      await sleep(clock, RETRY_MS, signal);
    }
  }
}
