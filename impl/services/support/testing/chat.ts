// One stream of ChatWithSupport as a test drives it: says what the test says, and keeps what it hears.
import { CallError } from "#impl/client/call-error.ts";
import type { CallOptions } from "#impl/client/client.ts";
import { newId } from "#impl/runtime/ids.ts";
import {
  type ChatMessage,
  type ChatWithSupportRequest,
  type ChatWithSupportResponse,
  JoinRoom,
} from "#proto/ecommerce/v1/support.ts";
import type { SupportClient } from "./support-fixture.ts";

export type Action = NonNullable<ChatWithSupportRequest["action"]>;
export type Heard = NonNullable<ChatWithSupportResponse["event"]>;
type Case = Heard["$case"];
type Of<C extends Case> = Extract<Heard, { readonly $case: C }>["value"];
type Response<C extends Case> = ChatWithSupportResponse & {
  readonly event: Extract<Heard, { readonly $case: C }>;
};

export interface ChatOptions {
  /** Told of every response as it comes. */
  readonly onHeard?: (response: ChatWithSupportResponse) => void;
  /** Reads no more than so many responses, at least one, before `read` is called. Default: reads all. */
  readonly pauseAfter?: number;
}

export class Chat {
  readonly heard: ChatWithSupportResponse[] = [];
  /** How the stream ended: undefined for OK. */
  readonly ended: Promise<CallError | undefined>;
  readonly #requests: ChatWithSupportRequest[] = [];
  readonly #stop = new AbortController();
  readonly #reading = Promise.withResolvers<void>();
  #closed = false;
  #wakeRequests = (): void => {};
  #readers: (() => void)[] = [];
  #isOver = false;

  constructor(client: SupportClient, options: CallOptions, chatOptions: ChatOptions = {}) {
    const responses = client.chatWithSupport(this.#say(), { ...options, signal: this.#stop.signal });
    this.ended = this.#hear(responses, chatOptions).finally(() => {
      this.#isOver = true;
      this.#wakeReaders();
    });
  }

  read(): void {
    this.#reading.resolve();
  }

  do(...actions: Action[]): void {
    this.#requests.push(...actions.map((action) => ({ action })));
    this.#wakeRequests();
  }

  /** Joins and waits until it has. */
  async join(roomId: string, request: Partial<JoinRoom> = {}): Promise<Of<"joined">> {
    const before = this.heard.length;
    this.do({ $case: "join", value: JoinRoom.fromPartial({ roomId, ...request }) });
    return (await this.next("joined", (response) => response.roomId === roomId, before)).event.value;
  }

  /** Returns the sender's id. */
  say(roomId: string, text: string, clientMessageId: string = newId()): string {
    this.do({ $case: "send", value: { roomId, clientMessageId, text } });
    return clientMessageId;
  }

  /** The first of its kind that fits, from the start of the stream or after so many responses. Rejects when the stream ends without. */
  async next<C extends Case>(
    kind: C,
    fits: (response: Response<C>) => boolean = () => true,
    from = 0,
  ): Promise<Response<C>> {
    for (let at = from; ; ) {
      for (; at < this.heard.length; at++) {
        const response = this.heard[at];
        if (response !== undefined && isOf(response, kind) && fits(response)) return response;
      }
      if (this.#isOver) throw new Error(`the stream ended without ${kind}`, { cause: await this.ended });
      await new Promise<void>((resolve) => this.#readers.push(resolve));
    }
  }

  /** Everything of a kind that was heard. */
  all<C extends Case>(kind: C): Response<C>[] {
    return this.heard.filter((response) => isOf(response, kind));
  }

  messages(roomId: string): ChatMessage[] {
    return this.all("message").flatMap((response) =>
      response.roomId === roomId ? [response.event.value] : [],
    );
  }

  /** The last token of the room. */
  token(roomId: string): string {
    return (
      this.heard.findLast((response) => response.roomId === roomId && response.resumeToken !== "")
        ?.resumeToken ?? ""
    );
  }

  halfClose(): void {
    this.#closed = true;
    this.#wakeRequests();
  }

  cancel(): void {
    this.#stop.abort();
  }

  #wakeReaders(): void {
    for (const wake of this.#readers.splice(0)) wake();
  }

  async *#say(): AsyncGenerator<ChatWithSupportRequest> {
    for (;;) {
      const request = this.#requests.shift();
      if (request !== undefined) yield request;
      else if (this.#closed) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wakeRequests = resolve;
        });
      }
    }
  }

  async #hear(
    responses: AsyncIterable<ChatWithSupportResponse>,
    { onHeard, pauseAfter }: ChatOptions,
  ): Promise<CallError | undefined> {
    try {
      for await (const response of responses) {
        this.heard.push(response);
        onHeard?.(response);
        this.#wakeReaders();
        if (this.heard.length === pauseAfter) await this.#reading.promise;
      }
      return undefined;
    } catch (error) {
      if (error instanceof CallError) return error;
      throw error;
    } finally {
      this.halfClose();
    }
  }
}

function isOf<C extends Case>(response: ChatWithSupportResponse, kind: C): response is Response<C> {
  return response.event?.$case === kind;
}
