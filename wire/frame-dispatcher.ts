/**
 * From bytes to what frames say: cuts, checks each frame's form and place in the order, strips padding, joins
 * header blocks. Form only: whether a stream exists or a window allows it is the listener's to judge.
 */
import {
  checkPriority,
  demand,
  type Goaway,
  readGoaway,
  readPing,
  readReset,
  readWindowUpdate,
} from "./control-frames.ts";
import { FrameReader } from "./frame-reader.ts";
import { ErrorCode, Flag, FRAME_HEADER_BYTES, FrameType } from "./frames.ts";
import { HeaderAssembler, paddingBytes } from "./header-assembler.ts";
import { violation } from "./wire-error.ts";

/** Byte ranges are valid only during the call. Each may throw ConnectionError. */
export interface FrameListener {
  /** `wireBytes`: of the frame's payload with padding, which is what flow control counts. */
  data(
    streamId: number,
    endStream: boolean,
    bytes: Buffer,
    start: number,
    end: number,
    wireBytes: number,
  ): void;
  /** `wireBytes`: of all its frames. */
  block(
    streamId: number,
    endStream: boolean,
    bytes: Buffer,
    start: number,
    end: number,
    wireBytes: number,
  ): void;
  windowUpdate(streamId: number, increment: number): void;
  reset(streamId: number, code: number): void;
  settings(bytes: Buffer, start: number, end: number): void;
  ping(opaque: Buffer): void;
  goaway(goaway: Goaway): void;
  /** A frame that asks for nothing: an acknowledgement, PRIORITY, or of an unknown type. */
  ignored(): void;
}

export class FrameDispatcher {
  framesReceived = 0;
  readonly #listener: FrameListener;
  readonly #reader: FrameReader;
  readonly #assembler: HeaderAssembler;
  #settingsSeen = false;
  #stopped = false;
  #blockBytes = 0;

  constructor(listener: FrameListener, maxFrameBytes: number, maxHeaderBlockBytes: number) {
    this.#listener = listener;
    this.#reader = new FrameReader(maxFrameBytes, this.#onFrame);
    this.#assembler = new HeaderAssembler(maxHeaderBlockBytes, (streamId, endStream, bytes, start, end) =>
      listener.block(streamId, endStream, bytes, start, end, this.#blockBytes),
    );
  }

  /** Reads bytes[start, end). Throws ConnectionError or HpackError; nothing may be pushed after that. */
  push(bytes: Buffer, start: number, end: number): void {
    this.#reader.push(bytes, start, end);
  }

  /** Nothing more is heard, not even the rest of a chunk being read. */
  stop(): void {
    this.#stopped = true;
  }

  readonly #onFrame = (
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void => {
    if (this.#stopped) return;
    this.framesReceived++;
    if (this.#assembler.openStreamId !== 0 && type !== FrameType.CONTINUATION) {
      throw violation(ErrorCode.PROTOCOL_ERROR, "header block interrupted");
    }
    if (!this.#settingsSeen && (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)) {
      throw violation(ErrorCode.PROTOCOL_ERROR, "first frame is not SETTINGS");
    }
    switch (type) {
      case FrameType.DATA:
        this.#onData(flags, streamId, bytes, start, end);
        break;
      case FrameType.HEADERS:
        demand(streamId !== 0, ErrorCode.PROTOCOL_ERROR, "HEADERS on stream 0");
        this.#blockBytes = end - start + FRAME_HEADER_BYTES;
        this.#assembler.headers(flags, streamId, bytes, start, end);
        break;
      case FrameType.CONTINUATION:
        this.#blockBytes += end - start + FRAME_HEADER_BYTES;
        this.#assembler.continuation(flags, streamId, bytes, start, end);
        break;
      case FrameType.WINDOW_UPDATE:
        this.#listener.windowUpdate(streamId, readWindowUpdate(bytes, start, end));
        break;
      case FrameType.RST_STREAM:
        this.#listener.reset(streamId, readReset(streamId, bytes, start, end));
        break;
      case FrameType.SETTINGS:
        this.#onSettings(flags, streamId, bytes, start, end);
        break;
      case FrameType.PING: {
        const opaque = readPing(streamId, bytes, start, end);
        if ((flags & Flag.ACK) === 0) this.#listener.ping(opaque);
        else this.#listener.ignored();
        break;
      }
      case FrameType.GOAWAY:
        this.#listener.goaway(readGoaway(streamId, bytes, start, end));
        break;
      case FrameType.PUSH_PROMISE:
        throw violation(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE, which is disabled");
      case FrameType.PRIORITY:
        checkPriority(streamId, start, end);
        this.#listener.ignored();
        break;
      default: // Unknown frames must be ignored.
        this.#listener.ignored();
    }
  };

  #onData(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    demand(streamId !== 0, ErrorCode.PROTOCOL_ERROR, "DATA on stream 0");
    const padding = paddingBytes(flags, bytes, start, end);
    const from = (flags & Flag.PADDED) === 0 ? start : start + 1;
    const endStream = (flags & Flag.END_STREAM) !== 0;
    this.#listener.data(streamId, endStream, bytes, from, end - padding, end - start);
  }

  #onSettings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    demand(streamId === 0, ErrorCode.PROTOCOL_ERROR, "SETTINGS on a stream");
    if ((flags & Flag.ACK) !== 0) {
      demand(end === start, ErrorCode.FRAME_SIZE_ERROR, "SETTINGS ACK with a payload");
      this.#listener.ignored();
      return;
    }
    this.#settingsSeen = true;
    this.#listener.settings(bytes, start, end);
  }
}
