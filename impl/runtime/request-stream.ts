// The messages of a request stream as an async iterable. Invariant: at most one message is buffered, because the next one is asked
// of the transport only when the handler asks for it; a slow handler therefore blocks its caller through flow control.
import type { Call } from "./call.ts";

interface Waiter {
  readonly resolve: (result: IteratorResult<Uint8Array>) => void;
  readonly reject: (reason: unknown) => void;
}

const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined };

export class RequestStream implements AsyncIterableIterator<Uint8Array> {
  readonly #call: Call;
  readonly #read: () => void;
  #waiter: Waiter | undefined = undefined;
  #ended = false;

  /** `read` asks the transport for one more message, answered by one `push` or by `end`. */
  constructor(call: Call, read: () => void) {
    this.#call = call;
    this.#read = read;
    call.onFinish(() => this.#wake());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#waiter !== undefined) return Promise.reject(new Error("a request stream has one reader"));
    if (this.#ended) return Promise.resolve(DONE);
    if (this.#call.finished)
      return Promise.reject(this.#call.signal.reason ?? new Error("the call has ended"));
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#read();
    });
  }

  /** The handler stops reading; what is still to come is not read. */
  return(): Promise<IteratorResult<Uint8Array>> {
    this.#ended = true;
    return Promise.resolve(DONE);
  }

  push(message: Uint8Array): void {
    this.#call.receivedBytes += message.byteLength;
    this.#take()?.resolve({ done: false, value: message });
  }

  end(): void {
    this.#ended = true;
    this.#take()?.resolve(DONE);
  }

  #take(): Waiter | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    return waiter;
  }

  #wake(): void {
    // The signal is aborted right after the listeners have run; its reason is there one turn later.
    queueMicrotask(() => this.#take()?.reject(this.#call.signal.reason ?? new Error("the call has ended")));
  }
}
