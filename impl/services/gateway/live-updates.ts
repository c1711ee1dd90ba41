// LiveUpdates: many subscriptions over one stream. Each follows its topic for itself and puts its messages into one mailbox, where the
// stream takes them: a caller that does not read stops them all, and each holds one message. A subscription ends alone.
import type { Call } from "#impl/runtime/call.ts";
import { alreadyExists, notFound, RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import type { LiveUpdatesRequest, LiveUpdatesResponse, SubscribeLive } from "#proto/ecommerce/v1/gateway.ts";
import { DEFAULT_HEARTBEAT_MS } from "../shared/event-stream.ts";
import { tooSlow } from "../shared/event-stream-errors.ts";
import { createMailbox } from "../shared/mailbox.ts";
import type { LiveEvent, LiveTopics } from "./live-topics.ts";

const MAX_SUBSCRIPTIONS = 100;
const SUBSCRIPTION_TYPE = "ecommerce.v1.SubscribeLive";

interface Subscription {
  readonly stop: AbortController;
  /** Goes on after the last message that was sent. */
  resumeToken: string;
}

export async function* liveUpdates(
  requests: AsyncIterable<LiveUpdatesRequest>,
  topics: LiveTopics,
  call: Call,
): AsyncGenerator<LiveUpdatesResponse> {
  const { clock } = call.environment;
  const live = new Live(topics, call);
  // The caller may be gone while nothing is said.
  call.signal.addEventListener("abort", () => live.close(call.signal.reason), { once: true });
  void live.obey(requests);
  try {
    for (;;) {
      const next = await live.mailbox.take(DEFAULT_HEARTBEAT_MS);
      if (next === "end") return;
      yield next === "silence" ? heartbeat(new Date(clock.now())) : next.message;
    }
  } finally {
    live.close(new Error("the stream has ended"));
  }
}

class Live {
  readonly mailbox;
  readonly #topics: LiveTopics;
  readonly #call: Call;
  readonly #subscriptions = new Map<string, Subscription>();
  #obeying = true;

  constructor(topics: LiveTopics, call: Call) {
    this.#topics = topics;
    this.#call = call;
    this.mailbox = createMailbox<LiveUpdatesResponse>(call.environment.clock);
  }

  close(reason: unknown): void {
    for (const { stop } of this.#subscriptions.values()) stop.abort(reason);
    this.mailbox.close(reason);
  }

  /** Does what the caller asks, one thing after another. Never rejects: what goes wrong ends the stream. */
  async obey(requests: AsyncIterable<LiveUpdatesRequest>): Promise<void> {
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

  async #subscribe(request: SubscribeLive): Promise<void> {
    const { subscriptionId } = request;
    if (this.#subscriptions.has(subscriptionId)) {
      await this.#refuse(subscriptionId, alreadyExists(SUBSCRIPTION_TYPE, subscriptionId));
    } else if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS) {
      await this.#refuse(subscriptionId, tooMany());
    } else {
      const subscription = { stop: new AbortController(), resumeToken: request.resumeToken };
      this.#subscriptions.set(subscriptionId, subscription);
      void this.#follow(request, subscription);
    }
  }

  async #unsubscribe(subscriptionId: string): Promise<void> {
    const subscription = this.#subscriptions.get(subscriptionId);
    if (subscription === undefined) {
      await this.#refuse(subscriptionId, notFound(SUBSCRIPTION_TYPE, subscriptionId));
      return;
    }
    this.#subscriptions.delete(subscriptionId);
    subscription.stop.abort(new Error("unsubscribed"));
    const event: LiveEvent = { $case: "unsubscribed", value: {} };
    await this.mailbox.put({ subscriptionId, event, resumeToken: subscription.resumeToken });
  }

  /** Until it fails or is stopped. Never rejects. */
  async #follow(request: SubscribeLive, subscription: Subscription): Promise<void> {
    const { subscriptionId } = request;
    const { signal } = subscription.stop;
    try {
      let begun = false;
      const onSlow = (error: Parameters<typeof tooSlow>[0]): void =>
        this.#call.fail(tooSlow(error, undefined));
      for await (const message of this.#topics.open(request, this.#call, { signal, onSlow })) {
        const { resumeToken } = message;
        const event = begun ? message.event : BEGUN;
        begun = true;
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
    const { code, message, details } = this.#call.environment.boundary(error);
    if (code === Code.INTERNAL) throw error;
    const event: LiveEvent = { $case: "error", value: { code, message, details: [...details] } };
    await this.mailbox.put({ subscriptionId, event, resumeToken: "" });
  }

  #endIfIdle(): void {
    if (!this.#obeying && this.#subscriptions.size === 0) this.mailbox.end();
  }
}

const BEGUN: LiveEvent = { $case: "subscribed", value: {} };

function heartbeat(serverTime: Date): LiveUpdatesResponse {
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
