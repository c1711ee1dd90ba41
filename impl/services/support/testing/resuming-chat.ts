// Someone in one room who goes on whatever happens to the stream: joins again with the last token, that of the stream's end where it has
// one, and says again what was not acknowledged. The protocol as a client of it would be written.
import type { CallOptions } from "#impl/client/client.ts";
import { newId } from "#impl/runtime/ids.ts";
import { codeName } from "#impl/runtime/status.ts";
import type { ChatMessage, ChatWithSupportResponse, MessageStored } from "#proto/ecommerce/v1/support.ts";
import { Chat } from "./chat.ts";
import type { SupportClient } from "./support-fixture.ts";

export class ResumingChat {
  /** Everything that was heard, as it came. */
  readonly log: ChatMessage[] = [];
  /** What was acknowledged, by the sender's ids. */
  readonly stored = new Map<string, MessageStored>();
  /** Code and reason of every end. */
  readonly endings: string[] = [];
  /** Told of every response, with how many there were, before it is looked at. */
  onHeard: (count: number, chat: Chat) => void = () => {};
  streams = 0;
  readonly #client: () => SupportClient;
  readonly #options: CallOptions;
  readonly #roomId: string;
  readonly #unacknowledged = new Map<string, string>();
  #chat: Chat | undefined;
  #joined = false;
  #token = "";
  #heard = 0;
  #stopped = false;
  #waiting: (() => void)[] = [];

  constructor(client: () => SupportClient, options: CallOptions, roomId: string) {
    this.#client = client;
    this.#options = options;
    this.#roomId = roomId;
    void this.#stayConnected();
  }

  /** Returns the sender's id of the message. */
  say(text: string): string {
    const id = newId();
    this.#unacknowledged.set(id, text);
    if (this.#joined) this.#chat?.say(this.#roomId, text, id);
    return id;
  }

  /** Resolves when the message with this sender's id was heard. */
  async hears(clientMessageId: string): Promise<void> {
    await this.#until(() => this.log.some((message) => message.clientMessageId === clientMessageId));
  }

  /** Resolves when everything that was said is acknowledged. */
  async acknowledged(): Promise<void> {
    await this.#until(() => this.#unacknowledged.size === 0);
  }

  stop(): void {
    this.#stopped = true;
    this.#chat?.cancel();
  }

  async #stayConnected(): Promise<void> {
    while (!this.#stopped) {
      this.streams += 1;
      const chat = new Chat(this.#client(), this.#options, { onHeard: (response) => this.#hear(response) });
      this.#chat = chat;
      // The first time it wants all there is.
      const join = { roomId: this.#roomId, resumeToken: this.#token, historyCount: 200 };
      chat.do({ $case: "join", value: join });
      const error = await chat.ended;
      const [token] = error?.trailers.get("resume-token") ?? [];
      if (typeof token === "string") this.#token = token;
      this.#joined = false;
      this.endings.push(error === undefined ? "OK" : `${codeName(error.code)} ${error.reason}`);
    }
  }

  #hear(response: ChatWithSupportResponse): void {
    const { event, resumeToken, clientMessageId } = response;
    if (resumeToken !== "") this.#token = resumeToken;
    switch (event?.$case) {
      case "joined":
        this.#joined = true;
        for (const [id, text] of this.#unacknowledged) this.#chat?.say(this.#roomId, text, id);
        break;
      case "message":
        this.log.push(event.value);
        break;
      case "stored":
        this.stored.set(clientMessageId, event.value);
        this.#unacknowledged.delete(clientMessageId);
        break;
    }
    this.#heard += 1;
    if (this.#chat !== undefined) this.onHeard(this.#heard, this.#chat);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
