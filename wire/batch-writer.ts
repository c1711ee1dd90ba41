/**
 * Gathers frames and hands them to the socket in one write per turn of the event loop.
 * Buffers are recycled only when the socket says it is done with them. Knows nothing of frames.
 */
import type { Duplex } from "node:stream";

/** Gathered before a write is made early; also the largest single append. */
export const BATCH_BYTES = 65_536;
const MAX_FREE_BUFFERS = 4;
/** Unsent bytes above which data (not control) frames should wait: the peer is not reading. */
export const SATURATED_BYTES = 262_144;

export class BatchWriter {
  /** Where the last append lies, until the next append or flush. */
  buffer: Buffer = Buffer.allocUnsafeSlow(BATCH_BYTES);
  bytesSent = 0;
  writes = 0;
  readonly #socket: Duplex;
  readonly #onDrain: () => void;
  #used = 0;
  #scheduled = false;
  #gathering = false;
  #wasSaturated = false;
  readonly #free: Buffer[] = [];

  /** `onDrain` runs when a saturated socket has room again. */
  constructor(socket: Duplex, onDrain: () => void) {
    this.#socket = socket;
    this.#onDrain = onDrain;
  }

  /** Bytes appended but not yet taken by the operating system. */
  get pendingBytes(): number {
    return this.#used + this.#socket.writableLength;
  }

  get saturated(): boolean {
    if (this.#used + this.#socket.writableLength <= SATURATED_BYTES) return false;
    this.#wasSaturated = true;
    return true;
  }

  /** Copies at most BATCH_BYTES; answers their offset in `buffer`, for patching. */
  append(bytes: Uint8Array): number {
    if (this.#used + bytes.length > BATCH_BYTES) this.#write();
    const at = this.#used;
    this.buffer.set(bytes, at);
    this.#used = at + bytes.length;
    this.#schedule();
    return at;
  }

  /** Like append, of bytes[start, end) of a larger buffer. */
  appendRange(bytes: Buffer, start: number, end: number): number {
    if (this.#used + end - start > BATCH_BYTES) this.#write();
    const at = this.#used;
    bytes.copy(this.buffer, at, start, end);
    this.#used = at + end - start;
    this.#schedule();
    return at;
  }

  /** Runs `work` with writing held back, then writes what it appended. */
  gather(work: () => void): void {
    this.#gathering = true;
    try {
      work();
    } finally {
      this.#gathering = false;
      this.flush();
    }
  }

  flush(): void {
    if (this.#used > 0) this.#write();
  }

  /**
   * Sends what is left and closes the socket. Last words leave if the system takes them now; a peer that
   * does not read cannot delay the close.
   */
  close(): void {
    this.flush();
    this.#socket.end();
    if (this.#socket.writableFinished || this.#socket.writableLength > 0) this.#socket.destroy();
    else this.#socket.once("finish", () => this.#socket.destroy());
  }

  #schedule(): void {
    if (this.#scheduled || this.#gathering) return;
    this.#scheduled = true;
    // Not a microtask: callers that await between calls would have a write each few calls instead of one a turn.
    setImmediate(this.#flushScheduled);
  }

  readonly #flushScheduled = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  #write(): void {
    const full = this.buffer;
    const used = this.#used;
    this.#used = 0;
    this.bytesSent += used;
    this.writes++;
    if (this.#socket.writable) {
      this.#socket.write(full.subarray(0, used), () => this.#recycle(full));
      this.buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES);
    }
  }

  #recycle(buffer: Buffer): void {
    if (this.#free.length < MAX_FREE_BUFFERS) this.#free.push(buffer);
    if (this.#wasSaturated && !this.saturated) {
      this.#wasSaturated = false;
      this.#onDrain();
    }
  }
}
