// WatchProducts: several subscriptions over one stream. Each follows the log for itself and puts its messages into one mailbox, where
// the stream takes them: a caller that does not read stops them all, and each holds one message. A subscription ends alone.
import type { Call } from "#impl/runtime/call.ts";
import { alreadyExists, notFound, RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import type {
  ProductUpdate,
  SubscribeProducts,
  WatchProductsRequest,
  WatchProductsResponse,
} from "#proto/ecommerce/v1/product_service.ts";
import { eventMessages } from "../shared/event-messages.ts";
import { DEFAULT_HEARTBEAT_MS } from "../shared/event-stream.ts";
import { tooSlow } from "../shared/event-stream-errors.ts";
import { createMailbox } from "../shared/mailbox.ts";
import { readChange } from "./product-events.ts";
import { canonical, eventKeys, productConditions, updateFor } from "./product-filter.ts";
import { productSnapshot } from "./product-snapshot.ts";
import type { FollowingNeeds } from "./product-updates.ts";

const MAX_SUBSCRIPTIONS = 100;

type WatchEvent = NonNullable<WatchProductsResponse["event"]>;

interface Subscription {
  readonly stop: AbortController;
  /** Goes on after the last message that was sent. */
  resumeToken: string;
}

export async function* watchProducts(
  requests: AsyncIterable<WatchProductsRequest>,
  needs: FollowingNeeds,
  call: Call,
): AsyncGenerator<WatchProductsResponse> {
  const { clock } = call.environment;
  const watch = new Watch(needs, call);
  // The caller may be gone while nothing is said.
  call.signal.addEventListener("abort", () => watch.close(call.signal.reason), { once: true });
  void watch.obey(requests);
  try {
    for (;;) {
      const next = await watch.mailbox.take(DEFAULT_HEARTBEAT_MS);
      if (next === "end") return;
      yield next === "silence" ? heartbeat(new Date(clock.now())) : next.message;
    }
  } finally {
    watch.close(new Error("the stream has ended"));
  }
}

class Watch {
  readonly mailbox;
  readonly #needs: FollowingNeeds;
  readonly #call: Call;
  readonly #subscriptions = new Map<string, Subscription>();
  #obeying = true;

  constructor(needs: FollowingNeeds, call: Call) {
    this.#needs = needs;
    this.#call = call;
    this.mailbox = createMailbox<WatchProductsResponse>(call.environment.clock);
  }

  close(reason: unknown): void {
    for (const { stop } of this.#subscriptions.values()) stop.abort(reason);
    this.mailbox.close(reason);
  }

  /** Does what the caller asks, one thing after another. Never rejects: what goes wrong ends the stream. */
  async obey(requests: AsyncIterable<WatchProductsRequest>): Promise<void> {
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

  async #subscribe(request: SubscribeProducts): Promise<void> {
    const { subscriptionId } = request;
    if (this.#subscriptions.has(subscriptionId)) {
      await this.#refuse(subscriptionId, alreadyExists("ecommerce.v1.SubscribeProducts", subscriptionId));
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
      await this.#refuse(subscriptionId, notFound("ecommerce.v1.SubscribeProducts", subscriptionId));
      return;
    }
    this.#subscriptions.delete(subscriptionId);
    subscription.stop.abort(new Error("unsubscribed"));
    const { resumeToken } = subscription;
    const event: WatchEvent = { $case: "unsubscribed", value: {} };
    await this.mailbox.put({ subscriptionId, event, resumeToken });
  }

  /** Until it fails or is stopped. Never rejects. */
  async #follow(request: SubscribeProducts, subscription: Subscription): Promise<void> {
    const { subscriptionId } = request;
    const { signal } = subscription.stop;
    try {
      for await (const message of this.#messages(request, signal)) {
        await this.mailbox.put(message, signal);
        subscription.resumeToken = message.resumeToken;
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#subscriptions.delete(subscriptionId);
      await this.#refuse(subscriptionId, error).catch((failure: unknown) => this.close(failure));
      this.#endIfIdle();
    }
  }

  #messages(request: SubscribeProducts, signal: AbortSignal): AsyncIterable<WatchProductsResponse> {
    const { store, events, tokens } = this.#needs;
    const { subscriptionId, resumeToken, filter } = request;
    const conditions = productConditions(filter, "subscribe.filter");
    const keys = eventKeys(conditions);
    const about = (event: WatchEvent): WatchProductsResponse => ({ subscriptionId, event, resumeToken: "" });
    const updated = (value: ProductUpdate) => about({ $case: "update", value });
    return eventMessages<WatchProductsResponse>(
      {
        log: events,
        tokens,
        purpose: "products.watch.1",
        boundTo: canonical(conditions),
        resumeToken,
        start: "now",
        ...(keys === undefined ? {} : { keys }),
        opening: () => about({ $case: "subscribed", value: {} }),
        update(event) {
          const update = updateFor(conditions, readChange(event));
          return update === undefined ? undefined : updated(update);
        },
        async *snapshot() {
          for await (const update of productSnapshot(store, conditions, signal)) yield updated(update);
        },
      },
      {
        clock: this.#call.environment.clock,
        signal,
        onSlow: (error) => this.#call.fail(tooSlow(error, undefined)),
      },
    );
  }

  /** Tells what went wrong with one subscription. A defect of ours ends the stream. */
  async #refuse(subscriptionId: string, error: unknown): Promise<void> {
    const { code, message, details } = this.#call.environment.boundary(error);
    if (code === Code.INTERNAL) throw error;
    const event: WatchEvent = { $case: "error", value: { code, message, details: [...details] } };
    await this.mailbox.put({ subscriptionId, event, resumeToken: "" });
  }

  #endIfIdle(): void {
    if (!this.#obeying && this.#subscriptions.size === 0) this.mailbox.end();
  }
}

function heartbeat(serverTime: Date): WatchProductsResponse {
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
