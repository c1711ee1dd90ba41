// Streams in both directions that carry subscriptions, each with a resume token of its own (WatchProducts, LiveUpdates): after a break the
// stream is opened again and subscribed anew to what was subscribed to, each where its last message was. The caller's requests go on.
import type { Method } from "#impl/runtime/method.ts";
import { Code } from "#impl/runtime/status.ts";
import type { StreamMethod } from "./client.ts";
import { isBreak, Reopening, type ResumeEnvironment, type ResumeOptions } from "./reopening.ts";

interface Subscribe {
  readonly subscriptionId: string;
  readonly resumeToken: string;
}

interface SubscriptionRequest {
  readonly action:
    | { readonly $case: "subscribe"; readonly value: Subscribe }
    | { readonly $case: "unsubscribe"; readonly value: { readonly subscriptionId: string } }
    | undefined;
}

interface SubscriptionResponse {
  readonly subscriptionId: string;
  readonly event: { readonly $case: string; readonly value: object } | undefined;
  readonly resumeToken: string;
}

const REQUEST_FIELDS = ["subscribe", "unsubscribe"];
const RESPONSE_FIELDS = ["subscription_id", "subscribed", "unsubscribed", "error", "resume_token"];

/** Whether a method is such a stream, by the fields of its messages. */
export function hasSubscriptions({ requestStream, responseStream, input, output }: Method): boolean {
  const has = ({ fields }: Method["input"], names: readonly string[]): boolean =>
    names.every((wanted) => fields.some(({ name }) => name === wanted));
  return requestStream && responseStream && has(input, REQUEST_FIELDS) && has(output, RESPONSE_FIELDS);
}

/** The same stream to its reader, told of no break: no message is missing, none comes twice. */
export function resumedSubscriptions(
  method: Method,
  open: StreamMethod,
  options: ResumeOptions,
  environment: ResumeEnvironment,
): StreamMethod {
  return async function* (messages, callOptions = {}) {
    const reopening = new Reopening(method, callOptions, options, environment);
    const subscriptions = new Subscriptions();
    const requests = new Requests(messages as Messages, subscriptions);
    try {
      for (;;) {
        const opening = new AbortController();
        try {
          yield* subscriptions.endedByBreak();
          const responses = open(requests.of(opening.signal), reopening.callOptions);
          for await (const response of responses as AsyncIterable<SubscriptionResponse>) {
            if (!subscriptions.received(response)) continue;
            reopening.progress();
            yield response;
          }
          return;
        } catch (error) {
          if (!isBreak(error)) throw error;
          await reopening.after(error);
        } finally {
          opening.abort();
        }
      }
    } finally {
      requests.close();
    }
  };
}

type Messages = AsyncIterable<SubscriptionRequest> | Iterable<SubscriptionRequest>;

/** The caller's requests, handed to one opening after another: one that an opening waits for in vain is the next one's. */
class Requests {
  readonly #iterator: AsyncIterator<SubscriptionRequest> | Iterator<SubscriptionRequest>;
  readonly #subscriptions: Subscriptions;
  #next: Promise<IteratorResult<SubscriptionRequest>> | undefined;

  constructor(messages: Messages, subscriptions: Subscriptions) {
    this.#iterator =
      Symbol.asyncIterator in messages ? messages[Symbol.asyncIterator]() : messages[Symbol.iterator]();
    this.#subscriptions = subscriptions;
  }

  /** For an opening, until it has ended: first what is subscribed to. */
  async *of(ended: AbortSignal): AsyncGenerator<SubscriptionRequest> {
    const end = new Promise<undefined>((resolve) =>
      ended.addEventListener("abort", () => resolve(undefined), { once: true }),
    );
    yield* this.#subscriptions.again();
    for (;;) {
      this.#next ??= this.#read();
      const next = await Promise.race([this.#next, end]);
      if (next === undefined || ended.aborted || next.done === true) return;
      this.#next = undefined;
      this.#subscriptions.asked(next.value);
      yield next.value;
    }
  }

  /** Tells the caller's generator that no more is taken; it may be waiting for something of its own. */
  close(): void {
    void Promise.resolve(this.#iterator.return?.()).catch(() => {});
  }

  #read(): Promise<IteratorResult<SubscriptionRequest>> {
    const next = Promise.resolve(this.#iterator.next());
    // It may fail while no opening waits for it; the next one hears of it.
    next.catch(() => {});
    return next;
  }
}

interface Subscription {
  /** With the token of its last message. */
  request: Subscribe;
  /** Whether the reader knows that it has begun. */
  begun: boolean;
}

/** What the server has been asked for, and how far it has come. */
class Subscriptions {
  readonly #open = new Map<string, Subscription>();
  /** Asked to end and not yet answered: the token of the last message by id. */
  readonly #ending = new Map<string, string>();

  asked({ action }: SubscriptionRequest): void {
    if (action === undefined) return;
    const { subscriptionId: id } = action.value;
    const open = this.#open.get(id);
    if (action.$case === "subscribe") {
      // One of the same id is refused, and the first goes on.
      if (open === undefined) this.#open.set(id, { request: action.value, begun: false });
    } else if (open !== undefined) {
      this.#open.delete(id);
      this.#ending.set(id, open.request.resumeToken);
    }
  }

  /** False for what the reader has been told before the break. */
  received({ subscriptionId: id, event, resumeToken }: SubscriptionResponse): boolean {
    const ending = this.#ending.has(id);
    const open = ending ? undefined : this.#open.get(id);
    if (resumeToken !== "") {
      if (ending) this.#ending.set(id, resumeToken);
      if (open !== undefined) open.request = { ...open.request, resumeToken };
    }
    if (event?.$case === "unsubscribed") this.#ending.delete(id);
    if (event?.$case === "error" && !isAlreadyThere(event.value)) {
      if (!this.#ending.delete(id)) this.#open.delete(id);
    }
    if (event?.$case !== "subscribed" || open === undefined) return true;
    const told = open.begun;
    open.begun = true;
    return !told;
  }

  /** The requests that bring a new stream to where the last one was. */
  again(): SubscriptionRequest[] {
    return Array.from(this.#open.values(), ({ request }) => ({
      action: { $case: "subscribe", value: request },
    }));
  }

  /** The answers to requests to end that the break has made true. */
  endedByBreak(): SubscriptionResponse[] {
    const ended = Array.from(this.#ending, ([subscriptionId, resumeToken]) => ({
      subscriptionId,
      event: { $case: "unsubscribed", value: {} },
      resumeToken,
    }));
    this.#ending.clear();
    return ended;
  }
}

function isAlreadyThere(status: object): boolean {
  return "code" in status && status.code === Code.ALREADY_EXISTS;
}
