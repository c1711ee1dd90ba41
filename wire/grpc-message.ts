/**
 * gRPC's length-prefixed messages: one flag byte, four bytes of length, the message.
 * Reads no content and inflates nothing; a compressed message is reported as such.
 */
import { uint32At } from "./frames.ts";

export const PREFIX_BYTES = 5;

const EMPTY: Buffer = Buffer.alloc(0);

/** One framed message, ready to be cut into DATA frames. */
export function encodeMessage(message: Uint8Array, compressed: boolean): Buffer {
  const out = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  out[0] = compressed ? 1 : 0;
  out.writeUInt32BE(message.length, 1);
  out.set(message, PREFIX_BYTES);
  return out;
}

export interface ReceivedMessage {
  /** Length of the message as it was sent, without the prefix. */
  readonly length: number;
  readonly compressed: boolean;
  /** The message, a copy of its own; undefined when the reader was told not to keep any. */
  readonly bytes: Buffer | undefined;
}

export type MessageFault = "message-too-large" | "bad-flag";

/** Finds messages in the DATA of one stream, however it is cut. Holds at most one unfinished message. */
export class MessageReader {
  readonly #maxMessageBytes: number;
  readonly #keep: boolean;
  readonly #onMessage: (message: ReceivedMessage) => void;
  readonly #prefix: Buffer = Buffer.allocUnsafe(PREFIX_BYTES);
  #prefixHeld = 0;
  #length = 0;
  #missing = 0;
  /** Grows with what arrives, not with what the prefix claims: a peer pays for memory with bytes really sent. */
  #body: Buffer = EMPTY;
  #bodyHeld = 0;

  constructor(maxMessageBytes: number, keep: boolean, onMessage: (message: ReceivedMessage) => void) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#keep = keep;
    this.#onMessage = onMessage;
  }

  /** True between messages; a stream that ends when false ended inside one. */
  get idle(): boolean {
    return this.#prefixHeld === 0;
  }

  /** Reads bytes[start, end). After a fault the reader is of no use. */
  push(bytes: Buffer, start: number, end: number): MessageFault | undefined {
    let at = start;
    while (at < end) {
      if (this.#prefixHeld < PREFIX_BYTES) {
        const count = Math.min(PREFIX_BYTES - this.#prefixHeld, end - at);
        bytes.copy(this.#prefix, this.#prefixHeld, at, at + count);
        this.#prefixHeld += count;
        at += count;
        if (this.#prefixHeld < PREFIX_BYTES) return undefined;
        const fault = this.#begin();
        if (fault !== undefined) return fault;
      }
      const count = Math.min(this.#missing, end - at);
      if (this.#keep) this.#gather(bytes, at, at + count);
      this.#missing -= count;
      at += count;
      if (this.#missing === 0) this.#finish();
    }
    return undefined;
  }

  #begin(): MessageFault | undefined {
    if ((this.#prefix[0] ?? 0) > 1) return "bad-flag";
    this.#length = uint32At(this.#prefix, 1);
    this.#missing = this.#length;
    return this.#length > this.#maxMessageBytes ? "message-too-large" : undefined;
  }

  #gather(bytes: Buffer, start: number, end: number): void {
    const needed = this.#bodyHeld + end - start;
    if (needed > this.#body.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#length, Math.max(needed, this.#body.length * 2)));
      this.#body.copy(larger, 0, 0, this.#bodyHeld);
      this.#body = larger;
    }
    bytes.copy(this.#body, this.#bodyHeld, start, end);
    this.#bodyHeld = needed;
  }

  #finish(): void {
    const bytes = this.#keep ? this.#body : undefined;
    this.#body = EMPTY;
    this.#bodyHeld = 0;
    this.#prefixHeld = 0;
    this.#onMessage({ length: this.#length, compressed: this.#prefix[0] === 1, bytes });
  }
}
