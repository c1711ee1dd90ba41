// Works one channel of the queue: claims as many notifications as it has room for, tries each once, and records what came of it. It does
// not know how a channel sends. A process that dies leaves leases behind, which end: what it was sending is then sent again, so a
// receiver may get a notification twice, and never not at all.
import { type Clock, sleep } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import type { RetryPolicy } from "./backoff.ts";
import type { DeliveryOutcome } from "./delivery-outcome.ts";
import type { Claimed, DeliveryQueue, Settlement } from "./delivery-queue.ts";
import { loggableOf, type Notification, type NotificationChannel } from "./notification.ts";
import { verdictOf } from "./preferences.ts";
import { settlementOf } from "./settlement.ts";
import type { WakeUp } from "./wake-up.ts";
import { type Stoppable, startWorkLoop } from "./work-loop.ts";

export type Send = (notification: Notification, signal: AbortSignal) => Promise<DeliveryOutcome>;

export interface ChannelWorkerOptions {
  readonly channel: NotificationChannel;
  readonly queue: DeliveryQueue;
  readonly send: Send;
  readonly retry: RetryPolicy;
  /** Attempts at a time. */
  readonly concurrency: number;
  /** An attempt that takes longer is broken off and has failed. */
  readonly timeoutMs: number;
  /** What attempts under way are given to finish when the worker stops; then they are broken off. */
  readonly stopGraceMs: number;
  readonly pollMs: number;
  readonly wakeUp: WakeUp;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A lease outlives its attempt by this: for recording the outcome, and for clocks that differ. */
const LEASE_MARGIN_MS = 30_000;
const RECORDING_TRIES = 4;
const RECORDING_PAUSE_MS = 250;

export function startChannelWorker(options: ChannelWorkerOptions): Stoppable {
  const { channel, queue, concurrency, timeoutMs, wakeUp, clock, log } = options;
  const running = new Map<Promise<void>, AbortController>();
  let mayBeMore = false;

  const begin = (claimed: Claimed): void => {
    const abort = new AbortController();
    const work = attempt(options, claimed, abort)
      .catch((error: unknown) => {
        const fields = { err: error, ...loggableOf(claimed.notification) };
        log.error(fields, "what came of a notification was not recorded: it will be sent again");
      })
      .finally(() => {
        running.delete(work);
        if (mayBeMore) wakeUp.wake();
      });
    running.set(work, abort);
  };

  const step = async (): Promise<boolean> => {
    const room = concurrency - running.size;
    mayBeMore = true;
    if (room === 0) return false;
    // Not cancelled when the worker stops: a claim whose answer is lost is a lease that nobody works on.
    const claimed = await queue.claim(channel, room, timeoutMs + LEASE_MARGIN_MS);
    mayBeMore = claimed.length === room;
    for (const each of claimed) begin(each);
    return false;
  };

  const loop = startWorkLoop({ ...options, name: `notifications by channel ${channel}`, step });
  return {
    async stop() {
      await loop.stop();
      const cancel = clock.after(options.stopGraceMs, () => {
        for (const abort of running.values()) abort.abort(new Error("the process stopped"));
      });
      await Promise.all(running.keys());
      cancel();
    },
  };
}

async function attempt(
  options: ChannelWorkerOptions,
  claimed: Claimed,
  abort: AbortController,
): Promise<void> {
  const { clock, log } = options;
  const { notification } = claimed;
  const settlement = await settlementFor(options, claimed, abort);
  if (settlement.kind === "dead") {
    log.warn({ ...loggableOf(notification), error: settlement.error }, "a notification became a dead letter");
  }
  for (let tries = 1; ; tries++) {
    try {
      const recorded = await options.queue.settle(notification, settlement);
      if (!recorded) log.info(loggableOf(notification), "a notification was taken away while it was sent");
      return;
    } catch (error) {
      if (tries === RECORDING_TRIES) throw error;
      await sleep(clock, tries * RECORDING_PAUSE_MS);
    }
  }
}

async function settlementFor(
  options: ChannelWorkerOptions,
  { notification, preferences }: Claimed,
  abort: AbortController,
): Promise<Settlement> {
  const { clock, retry } = options;
  const { category, channel, attemptCount } = notification;
  const verdict = verdictOf(preferences, category, channel, clock.now());
  if (verdict.kind === "suppress") return { kind: "suppressed" };
  if (verdict.kind === "wait") return { kind: "postponed", until: new Date(verdict.until) };
  if (attemptCount > retry.maxAttempts) {
    // The attempts before ended with their processes: perhaps because of what they were sending.
    const error = "no attempt is left, and the last one never ended";
    return { kind: "dead", error, endpointFailed: false, gone: false };
  }
  const outcome = await tryOnce(options, notification, abort);
  return settlementOf(outcome, attemptCount, retry, clock.now());
}

async function tryOnce(
  { send, timeoutMs, clock, log }: ChannelWorkerOptions,
  notification: Notification,
  abort: AbortController,
): Promise<DeliveryOutcome> {
  const cancel = clock.after(timeoutMs, () => abort.abort(new Error(`no answer within ${timeoutMs} ms`)));
  try {
    return await send(notification, abort.signal);
  } catch (error) {
    log.error(
      { err: error, ...loggableOf(notification) },
      "an attempt to send a notification failed unexpectedly",
    );
    return { kind: "failed", error: "an unexpected failure of the sender" };
  } finally {
    cancel();
  }
}
