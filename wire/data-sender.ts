/**
 * Sends bodies as DATA frames within both send windows, the peer's frame size and the socket's room, and
 * takes turns, a frame each, between streams that wait. Holds at most one body a stream.
 */
import type { BatchWriter } from "./batch-writer.ts";
import { SendWindow } from "./flow-control.ts";
import {
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  Flag,
  FRAME_HEADER_BYTES,
  FrameType,
  writeFrameHeader,
} from "./frames.ts";
import type { Stream } from "./stream.ts";

const HEADER = Buffer.alloc(FRAME_HEADER_BYTES);

export class DataSender<Head> {
  readonly window: SendWindow = new SendWindow(DEFAULT_WINDOW_BYTES);
  framesSent = 0;
  readonly #writer: BatchWriter;
  readonly #onEnded: (stream: Stream<Head>) => void;
  readonly #waiting = new Set<Stream<Head>>();

  /** `onEnded` runs when a stream's END_STREAM went out. */
  constructor(writer: BatchWriter, onEnded: (stream: Stream<Head>) => void) {
    this.#writer = writer;
    this.#onEnded = onEnded;
  }

  /** Whether `bytes` can go at once, ahead of nobody, on a stream whose window is `streamWindow`. */
  hasRoom(bytes: number, streamWindow: number): boolean {
    return (
      bytes <= this.window.available &&
      bytes <= streamWindow &&
      this.#waiting.size === 0 &&
      !this.#writer.saturated
    );
  }

  /** Sends as much as may go now, the rest later. The stream must have no body on its way. */
  send(stream: Stream<Head>, bytes: Buffer, endStream: boolean, onSent?: (sent: boolean) => void): void {
    if (stream.outgoing !== undefined) throw new Error(`stream ${stream.id} is still sending`);
    stream.outgoing = { bytes, offset: 0, endStream, onSent };
    this.#waiting.add(stream);
    this.pump();
  }

  /** Half-closes after whatever is on its way. */
  end(stream: Stream<Head>): void {
    if (stream.outgoing === undefined) this.send(stream, Buffer.alloc(0), true);
    else stream.outgoing.endStream = true;
  }

  /** The stream is gone: its body is dropped. */
  drop(stream: Stream<Head>): void {
    const outgoing = stream.outgoing;
    if (outgoing === undefined) return;
    stream.outgoing = undefined;
    this.#waiting.delete(stream);
    outgoing.onSent?.(false);
  }

  /** To be called whenever a window grew or the socket drained. */
  pump(): void {
    for (let progress = true; progress && this.#waiting.size > 0; ) {
      progress = false;
      for (const stream of this.#waiting) {
        if (this.#writer.saturated) return;
        if (this.#sendFrame(stream)) progress = true;
      }
    }
  }

  #sendFrame(stream: Stream<Head>): boolean {
    const outgoing = stream.outgoing;
    if (outgoing === undefined) return this.#waiting.delete(stream);
    const left = outgoing.bytes.length - outgoing.offset;
    const room = Math.min(this.window.available, stream.sendWindow.available);
    const count = Math.min(left, room, DEFAULT_MAX_FRAME_BYTES);
    if (count <= 0 && left > 0) return false;
    const last = count === left;
    this.#writeData(stream.id, outgoing.bytes, outgoing.offset, count, last && outgoing.endStream);
    this.window.available -= count;
    stream.sendWindow.available -= count;
    outgoing.offset += count;
    if (last) {
      stream.outgoing = undefined;
      this.#waiting.delete(stream);
      stream.localEnded = outgoing.endStream;
      outgoing.onSent?.(true);
      if (stream.localEnded) this.#onEnded(stream);
    }
    return true;
  }

  #writeData(streamId: number, bytes: Buffer, offset: number, count: number, end: boolean): void {
    writeFrameHeader(HEADER, 0, count, FrameType.DATA, end ? Flag.END_STREAM : 0, streamId);
    this.#writer.append(HEADER);
    if (count > 0) this.#writer.appendRange(bytes, offset, offset + count);
    this.framesSent++;
  }
}
