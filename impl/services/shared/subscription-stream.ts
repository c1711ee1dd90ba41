// Many subscriptions over one stream in both directions. Each follows what it is about for itself and puts its messages into one mailbox,
// where the stream takes them: a caller that does not read stops them all, and each holds one message. A subscription ends alone.
import type { Call } from "#impl/runtime/call.ts";
import { alreadyExists, notFound, RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import type { SlowConsumer } from "#impl/storage/events/event-errors.ts";
import type { Status } from "#proto/google/rpc/status.ts";
import { DEFAULT_HEARTBEAT_MS } from "./event-stream.ts";
import { tooSlow } from "./event-stream-errors.ts";
import { createMailbox } from "./mailbox.ts";

/** What a caller asks such a stream to begin. */
export interface Subscribe {
  readonly subscriptionId: string;
  readonly resumeToken: string;
}

/** What a caller sends. */
export interface SubscriptionRequest<S extends Subscribe> {
  readonly action:
    | { readonly $case: "subscribe"; readonly value: S }
    | { readonly $case: "unsubscribe"; readonly value: { readonly subscriptionId: string } }
    | undefined;
}

/** What all such streams tell beside their own events. */
export type SubscriptionEvent =
  | { $case: "subscribed"; value: Record<never, never> }
  | { $case: "unsubscribed"; value: Record<never, never> }
  | { $case: "heartbeat"; value: { serverTime: Date | undefined } }
  | { $case: "error"; value: Status };

/** A message to the caller; `E` are the stream's own events. The subscription is empty in a heartbeat. */
export interface SubscriptionMessage<E> {
  subscriptionId: string;
  event: E | SubscriptionEvent | undefined;
  resumeToken: string;
}

/** What a subscription has to tell. Without an event it is not sent, but its token is where the subscription has come to. */
export interface Told<E> {
  readonly event: E | SubscriptionEvent | undefined;
  readonly resumeToken: string;
}

export interface SubscriptionContext {
  /** Aborts when the subscription is to end. */
  readonly signal: AbortSignal;
  /** To be called when the caller is given up because it does not read: the whole stream fails. */
  readonly onSlow: (error: SlowConsumer) => void;
}

export interface SubscriptionStreamOptions<S extends Subscribe, E> {
  readonly call: Call;
  /** The message type that begins a subscription, such as "ecommerce.v1.SubscribeLive", for errors. */
  readonly type: string;
  /** What a subscription tells, without an end; what it throws is told to the caller as the subscription's error. */
  readonly follow: (request: S, context: SubscriptionContext) => AsyncIterable<Told<E>>;
}

/** At a time, on one stream. */
export const MAX_SUBSCRIPTIONS = 100;

/** Ends when the caller has said its last word and no subscription is left; a heartbeat follows each 15 s of silence. */
export async function* subscriptionStream<S extends Subscribe, E>(
  requests: AsyncIterable<SubscriptionRequest<S>>,
  options: SubscriptionStreamOptions<S, E>,
): AsyncGenerator<SubscriptionMessage<E>> {
  const { call } = options;
  const subscriptions = new Subscriptions(options);
  // The caller may be gone while nothing is said.
  call.signal.addEventListener("abort", () => subscriptions.close(call.signal.reason), { once: true });
  void subscriptions.obey(requests);
  try {
    for (;;) {
      const next = await subscriptions.mailbox.take(DEFAULT_HEARTBEAT_MS);
      if (next === "end") return;
      yield next === "silence" ? heartbeat(new Date(call.environment.clock.now())) : next.message;
    }
  } finally {
    subscriptions.close(new Error("the stream has ended"));
  }
}

interface Subscription {
  readonly stop: AbortController;
  /** Goes on after the last message that was sent. */
  resumeToken: string;
}

class Subscriptions<S extends Subscribe, E> {
  readonly mailbox;
  readonly #options: SubscriptionStreamOptions<S, E>;
  readonly #subscriptions = new Map<string, Subscription>();
  #obeying = true;

  constructor(options: SubscriptionStreamOptions<S, E>) {
    this.#options = options;
    this.mailbox = createMailbox<SubscriptionMessage<E>>(options.call.environment.clock);
  }

  close(reason: unknown): void {
    for (const { stop } of this.#subscriptions.values()) stop.abort(reason);
    this.mailbox.close(reason);
  }

  /** Does what the caller asks, one thing after another. Never rejects: what goes wrong ends the stream. */
  async obey(requests: AsyncIterable<SubscriptionRequest<S>>): Promise<void> {
    try {
      for await (const { action } of requests) {
        if (action?.$case === "subscribe") await this.#subscribe(action.value);
        if (action?.$case === "unsubscribe") await this.#unsubscribe(action.value.subscriptionId);
      }
      this.#obeying = false;
      this.#endIfIdle();
    } catch (error) {
      this.close(error);
    }
  }

  async #subscribe(request: S): Promise<void> {
    const { subscriptionId, resumeToken } = request;
    if (this.#subscriptions.has(subscriptionId)) {
      await this.#refuse(subscriptionId, alreadyExists(this.#options.type, subscriptionId));
    } else if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS) {
      await this.#refuse(subscriptionId, tooMany());
    } else {
      const subscription = { stop: new AbortController(), resumeToken };
      this.#subscriptions.set(subscriptionId, subscription);
      void this.#follow(request, subscription);
    }
  }

  async #unsubscribe(subscriptionId: string): Promise<void> {
    const subscription = this.#subscriptions.get(subscriptionId);
    if (subscription === undefined) {
      await this.#refuse(subscriptionId, notFound(this.#options.type, subscriptionId));
      return;
    }
    this.#subscriptions.delete(subscriptionId);
    subscription.stop.abort(new Error("unsubscribed"));
    const { resumeToken } = subscription;
    await this.mailbox.put({ subscriptionId, event: { $case: "unsubscribed", value: {} }, resumeToken });
  }

  /** Until it fails or is stopped. Never rejects. */
  async #follow(request: S, subscription: Subscription): Promise<void> {
    const { call, follow } = this.#options;
    const { subscriptionId } = request;
    const { signal } = subscription.stop;
    const onSlow = (error: SlowConsumer): void => call.fail(tooSlow(error, undefined));
    try {
      for await (const { event, resumeToken } of follow(request, { signal, onSlow })) {
        if (event !== undefined) await this.mailbox.put({ subscriptionId, event, resumeToken }, signal);
        signal.throwIfAborted();
        subscription.resumeToken = resumeToken;
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#subscriptions.delete(subscriptionId);
      subscription.stop.abort(error);
      await this.#refuse(subscriptionId, error).catch((failure: unknown) => this.close(failure));
      this.#endIfIdle();
    }
  }

  /** Tells what went wrong with one subscription. A defect of ours ends the stream. */
  async #refuse(subscriptionId: string, error: unknown): Promise<void> {
    const { code, message, details } = this.#options.call.environment.boundary(error);
    if (code === Code.INTERNAL) throw error;
    const value: Status = { code, message, details: [...details] };
    await this.mailbox.put({ subscriptionId, event: { $case: "error", value }, resumeToken: "" });
  }

  #endIfIdle(): void {
    if (!this.#obeying && this.#subscriptions.size === 0) this.mailbox.end();
  }
}

function heartbeat(serverTime: Date): SubscriptionMessage<never> {
  return { subscriptionId: "", event: { $case: "heartbeat", value: { serverTime } }, resumeToken: "" };
}

function tooMany(): RpcError {
  const limit = String(MAX_SUBSCRIPTIONS);
  return new RpcError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: "TOO_MANY_SUBSCRIPTIONS",
    message: `a stream has at most ${limit} subscriptions at a time`,
    values: { limit },
    details: [
      {
        type: "QuotaFailure",
        violations: [{ subject: "subscriptions", description: `at most ${limit} a stream` }],
      },
    ],
  });
}
