/** Reads the small frames, with the sizes and stream ids the RFC demands of them. Throws ConnectionError. */
import { ErrorCode, uint31At, uint32At } from "./frames.ts";
import { violation } from "./wire-error.ts";

/** Debug bytes of a GOAWAY that are looked at. */
const MAX_DEBUG_BYTES = 256;

export interface Goaway {
  readonly lastStreamId: number;
  readonly code: number;
  readonly debug: string;
}

/** Throws the violation unless the condition holds. */
export function demand(holds: boolean, code: number, message: string): void {
  if (!holds) throw violation(code, message);
}

export function readGoaway(streamId: number, bytes: Buffer, start: number, end: number): Goaway {
  demand(streamId === 0, ErrorCode.PROTOCOL_ERROR, "GOAWAY on a stream");
  demand(end - start >= 8, ErrorCode.FRAME_SIZE_ERROR, "GOAWAY too short");
  return {
    lastStreamId: uint31At(bytes, start),
    code: uint32At(bytes, start + 4),
    debug: bytes.toString("latin1", start + 8, Math.min(end, start + 8 + MAX_DEBUG_BYTES)),
  };
}

/** The increment; 0 is an error of the stream or connection it is for. */
export function readWindowUpdate(bytes: Buffer, start: number, end: number): number {
  demand(end - start === 4, ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE not of four bytes");
  return uint31At(bytes, start);
}

/** The error code. */
export function readReset(streamId: number, bytes: Buffer, start: number, end: number): number {
  demand(streamId !== 0, ErrorCode.PROTOCOL_ERROR, "RST_STREAM on stream 0");
  demand(end - start === 4, ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM not of four bytes");
  return uint32At(bytes, start);
}

/** The eight opaque bytes, where they lie. */
export function readPing(streamId: number, bytes: Buffer, start: number, end: number): Buffer {
  demand(streamId === 0, ErrorCode.PROTOCOL_ERROR, "PING on a stream");
  demand(end - start === 8, ErrorCode.FRAME_SIZE_ERROR, "PING not of eight bytes");
  return bytes.subarray(start, end);
}

/** Priorities are obsolete (RFC 9113, 5.3): only their form is checked. */
export function checkPriority(streamId: number, start: number, end: number): void {
  demand(streamId !== 0, ErrorCode.PROTOCOL_ERROR, "PRIORITY on stream 0");
  demand(end - start === 5, ErrorCode.FRAME_SIZE_ERROR, "PRIORITY not of five bytes");
}
