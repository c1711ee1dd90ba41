/**
 * Joins HEADERS and its CONTINUATION frames into one header block, with padding and priority cut off.
 * Bounds what a peer can make us gather: bytes of a block and frames of a block.
 */
import { ErrorCode, Flag, uint31At } from "./frames.ts";
import { violation } from "./wire-error.ts";

/** Frames one block may be split into; beyond it the peer is sending small pieces on purpose. */
export const MAX_CONTINUATION_FRAMES = 64;

export type BlockHandler = (
  streamId: number,
  endStream: boolean,
  bytes: Buffer,
  start: number,
  end: number,
) => void;

export class HeaderAssembler {
  readonly #maxBlockBytes: number;
  readonly #onBlock: BlockHandler;
  #streamId = 0;
  #endStream = false;
  #pieces: Buffer[] = [];
  #gathered = 0;

  constructor(maxBlockBytes: number, onBlock: BlockHandler) {
    this.#maxBlockBytes = maxBlockBytes;
    this.#onBlock = onBlock;
  }

  /** The stream whose block is unfinished, or 0. Until it is finished no other frame may come. */
  get openStreamId(): number {
    return this.#streamId;
  }

  headers(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    let from = start;
    let to = end;
    if ((flags & (Flag.PADDED | Flag.PRIORITY)) !== 0) {
      to -= paddingBytes(flags, bytes, start, end);
      if ((flags & Flag.PADDED) !== 0) from += 1;
      if ((flags & Flag.PRIORITY) !== 0) {
        if (to - from < 5) throw violation(ErrorCode.FRAME_SIZE_ERROR, "HEADERS too short for its priority");
        if (uint31At(bytes, from) === streamId) {
          throw violation(ErrorCode.PROTOCOL_ERROR, `stream ${streamId} depends on itself`);
        }
        from += 5;
      }
    }
    const endStream = (flags & Flag.END_STREAM) !== 0;
    if ((flags & Flag.END_HEADERS) !== 0) {
      this.#checkSize(to - from);
      this.#onBlock(streamId, endStream, bytes, from, to);
      return;
    }
    this.#streamId = streamId;
    this.#endStream = endStream;
    this.#gather(bytes, from, to);
  }

  continuation(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId === 0 || streamId !== this.#streamId) {
      throw violation(ErrorCode.PROTOCOL_ERROR, `CONTINUATION on stream ${streamId} out of place`);
    }
    this.#gather(bytes, start, end);
    if ((flags & Flag.END_HEADERS) === 0) return;
    const block = Buffer.concat(this.#pieces, this.#gathered);
    this.#streamId = 0;
    this.#pieces = [];
    this.#gathered = 0;
    this.#onBlock(streamId, this.#endStream, block, 0, block.length);
  }

  #gather(bytes: Buffer, start: number, end: number): void {
    this.#gathered += end - start;
    this.#checkSize(this.#gathered);
    if (this.#pieces.length > MAX_CONTINUATION_FRAMES) {
      throw violation(ErrorCode.ENHANCE_YOUR_CALM, `header block in over ${MAX_CONTINUATION_FRAMES} frames`);
    }
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
  }

  #checkSize(size: number): void {
    if (size > this.#maxBlockBytes) {
      throw violation(ErrorCode.ENHANCE_YOUR_CALM, `header block over ${this.#maxBlockBytes} bytes`);
    }
  }
}

/** Bytes of padding at the end of a DATA or HEADERS payload, without the length byte in front. */
export function paddingBytes(flags: number, bytes: Buffer, start: number, end: number): number {
  if ((flags & Flag.PADDED) === 0) return 0;
  if (end === start) throw violation(ErrorCode.FRAME_SIZE_ERROR, "padded frame of no bytes");
  const padding = bytes[start] ?? 0;
  if (padding > end - start - 1) throw violation(ErrorCode.PROTOCOL_ERROR, "more padding than payload");
  return padding;
}
