// Where the caller of one stream can go on, as far as it was sent what comes before. Tokens are by room: the stream as a whole has one
// only while it is in one room.
import type { ChatWithSupportResponse } from "#proto/ecommerce/v1/support.ts";

export class SentTokens {
  readonly #byRoom = new Map<string, string>();
  #sending: ChatWithSupportResponse | undefined;

  get token(): string | undefined {
    const [token] = this.#byRoom.values();
    return this.#byRoom.size === 1 ? token : undefined;
  }

  /** The message is about to be sent. */
  sending(response: ChatWithSupportResponse): void {
    this.#sending = response;
  }

  /** It was. */
  confirm(): void {
    const sent = this.#sending;
    this.#sending = undefined;
    if (sent?.event?.$case === "left") this.#byRoom.delete(sent.roomId);
    else if (sent !== undefined && sent.resumeToken !== "") this.#byRoom.set(sent.roomId, sent.resumeToken);
  }
}
