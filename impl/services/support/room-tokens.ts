// Where the caller of one stream can go on. Tokens are by room: the stream as a whole has one only while it is in one room.
import type { ChatWithSupportResponse } from "#proto/ecommerce/v1/support.ts";

export class RoomTokens {
  readonly #byRoom = new Map<string, string>();

  /** The token of the stream once this response is sent. */
  after({ roomId, event, resumeToken }: ChatWithSupportResponse): string | undefined {
    if (event?.$case === "left") this.#byRoom.delete(roomId);
    else if (resumeToken !== "") this.#byRoom.set(roomId, resumeToken);
    const [token] = this.#byRoom.values();
    return this.#byRoom.size === 1 ? token : undefined;
  }
}
