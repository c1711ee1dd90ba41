/**
 * Cuts a byte stream into frames. A frame that lies whole in one chunk is handed on where it lies; one that
 * is split is gathered first, in a buffer never larger than the largest frame allowed.
 * Knows sizes only: what a frame means, and whether it may come now, is for others.
 */
import { ErrorCode, FRAME_HEADER_BYTES, uint31At } from "./frames.ts";
import { violation } from "./wire-error.ts";

/** The payload is bytes[start, end), valid only until the handler returns. */
export type FrameHandler = (
  type: number,
  flags: number,
  streamId: number,
  bytes: Buffer,
  start: number,
  end: number,
) => void;

export class FrameReader {
  readonly #maxFrameBytes: number;
  readonly #onFrame: FrameHandler;
  /** The beginning of a split frame; #held bytes of it are here. */
  #partial: Buffer = Buffer.allocUnsafe(256);
  #held = 0;

  /** `maxFrameBytes`: largest payload accepted, as announced in SETTINGS_MAX_FRAME_SIZE. */
  constructor(maxFrameBytes: number, onFrame: FrameHandler) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#onFrame = onFrame;
  }

  /** Reads bytes[start, end). Throws ConnectionError FRAME_SIZE_ERROR, and whatever the handler throws. */
  push(bytes: Buffer, start: number, end: number): void {
    let at = this.#held === 0 ? start : this.#finishPartial(bytes, start, end);
    while (end - at >= FRAME_HEADER_BYTES) {
      const next = at + FRAME_HEADER_BYTES + this.#lengthAt(bytes, at);
      if (next > end) break;
      this.#emit(bytes, at, next);
      at = next;
    }
    if (at < end) this.#hold(bytes, at, end);
  }

  #emit(bytes: Buffer, at: number, next: number): void {
    const streamId = uint31At(bytes, at + 5);
    this.#onFrame(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, streamId, bytes, at + FRAME_HEADER_BYTES, next);
  }

  #lengthAt(bytes: Buffer, at: number): number {
    const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    if (length > this.#maxFrameBytes) {
      throw violation(
        ErrorCode.FRAME_SIZE_ERROR,
        `frame of ${length} bytes, at most ${this.#maxFrameBytes} allowed`,
      );
    }
    return length;
  }

  /** Completes the held frame from the new bytes as far as they go; answers where the rest begins. */
  #finishPartial(bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#held < FRAME_HEADER_BYTES) {
      const headerEnd = Math.min(end, at + FRAME_HEADER_BYTES - this.#held);
      this.#hold(bytes, at, headerEnd);
      at = headerEnd;
      if (this.#held < FRAME_HEADER_BYTES) return at;
    }
    const size = FRAME_HEADER_BYTES + this.#lengthAt(this.#partial, 0);
    const frameEnd = Math.min(end, at + size - this.#held);
    this.#hold(bytes, at, frameEnd);
    if (this.#held === size) {
      this.#held = 0;
      this.#emit(this.#partial, 0, size);
    }
    return frameEnd;
  }

  #hold(bytes: Buffer, start: number, end: number): void {
    const needed = this.#held + end - start;
    if (needed > this.#partial.length) {
      const limit = FRAME_HEADER_BYTES + this.#maxFrameBytes;
      const larger = Buffer.allocUnsafe(Math.min(limit, Math.max(needed, this.#partial.length * 2)));
      this.#partial.copy(larger, 0, 0, this.#held);
      this.#partial = larger;
    }
    bytes.copy(this.#partial, this.#held, start, end);
    this.#held = needed;
  }
}
