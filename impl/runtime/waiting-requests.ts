// Requests that are here but not yet with their handlers: of callers who have sent their message and keep the call open, or more than is read.
// Compressed, such a request costs its caller a thousandth of what it holds here; so all together hold at most `maxBytes`.
import { RpcError } from "./rpc-error.ts";
import { Code } from "./status.ts";

export class WaitingRequests {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Throws RESOURCE_EXHAUSTED when they do not fit. */
  take(bytes: number): void {
    if (this.#bytes + bytes > this.#maxBytes) {
      throw new RpcError({
        code: Code.RESOURCE_EXHAUSTED,
        reason: "TOO_MANY_WAITING_REQUESTS",
        message: "too many bytes of unfinished requests wait in the server",
      });
    }
    this.#bytes += bytes;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }
}
