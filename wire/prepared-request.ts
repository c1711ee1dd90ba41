/**
 * A unary request encoded once and sent any number of times, on any connection: nothing in it refers to
 * connection state, and only the stream id is patched in.
 */
import { DEFAULT_MAX_FRAME_BYTES, Flag, FRAME_HEADER_BYTES, FrameType, frame } from "./frames.ts";
import { encodeMessage } from "./grpc-message.ts";
import { encodeHeaders } from "./hpack/encoder.ts";
import { encodeMetadata, type MetadataEntry } from "./metadata.ts";

/** Most bytes of an encoded request header block; what a peer is sure to be asked for less than. */
export const MAX_REQUEST_BLOCK_BYTES = 65_536;
/** grpc-timeout has at most eight digits. */
const MAX_TIMEOUT_MS = 99_999_999;

export interface RequestHead {
  /** "/pkg.Service/Method" */
  readonly path: string;
  /** Default "localhost"; `WireConnection.prepare` fills in the connection's. */
  readonly authority?: string;
  /** Default "http". */
  readonly scheme?: "http" | "https";
  readonly metadata?: Iterable<MetadataEntry>;
  /** Sent as grpc-timeout, for the server. No timer runs here: whoever wants one calls cancel. */
  readonly timeoutMs?: number;
  /** grpc-encoding of the messages, which the caller has compressed already. Default: not compressed. */
  readonly encoding?: string;
  /** grpc-accept-encoding; default none, so a server answers uncompressed. */
  readonly acceptEncoding?: string;
}

export interface UnaryRequest extends RequestHead {
  readonly message: Uint8Array;
}

export interface PreparedRequest {
  /** The HPACK block. */
  readonly block: Buffer;
  /** The length-prefixed message. */
  readonly body: Buffer;
  /** HEADERS and DATA with stream id 0, when each fits one frame; the DATA frame begins at dataAt. */
  readonly wire: Buffer | undefined;
  readonly dataAt: number;
}

/** Throws RangeError on anything that cannot be sent, with the value in the message. */
export function prepare(request: UnaryRequest): PreparedRequest {
  const block = encodeRequestHead(request);
  const body = encodeMessage(request.message, request.encoding !== undefined);
  const fits = block.length <= DEFAULT_MAX_FRAME_BYTES && body.length <= DEFAULT_MAX_FRAME_BYTES;
  const headers = headerFrames(block, 0, false);
  const data = fits ? frame(FrameType.DATA, Flag.END_STREAM, 0, body) : undefined;
  return {
    block,
    body,
    wire: data === undefined ? undefined : Buffer.concat([...headers, data]),
    dataAt: FRAME_HEADER_BYTES + block.length,
  };
}

/** The header block of a request of any kind. */
export function encodeRequestHead(head: RequestHead): Buffer {
  if (!/^\/[\x21-\x7e]+$/.test(head.path)) {
    throw new RangeError(`path must be like "/pkg.Service/Method", not ${JSON.stringify(head.path)}`);
  }
  const block = encodeHeaders([
    { name: ":method", value: "POST" },
    { name: ":scheme", value: head.scheme ?? "http" },
    { name: ":path", value: head.path },
    { name: ":authority", value: head.authority ?? "localhost" },
    { name: "te", value: "trailers" },
    { name: "content-type", value: "application/grpc" },
    ...optional("grpc-timeout", head.timeoutMs === undefined ? undefined : grpcTimeout(head.timeoutMs)),
    ...optional("grpc-encoding", head.encoding),
    ...optional("grpc-accept-encoding", head.acceptEncoding),
    ...encodeMetadata(head.metadata ?? []),
  ]);
  if (block.length > MAX_REQUEST_BLOCK_BYTES) {
    throw new RangeError(
      `request headers of ${block.length} bytes, at most ${MAX_REQUEST_BLOCK_BYTES} allowed`,
    );
  }
  return block;
}

/** HEADERS, and CONTINUATION as needed, each within the frame size every peer accepts. */
export function headerFrames(block: Buffer, streamId: number, endStream: boolean): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += DEFAULT_MAX_FRAME_BYTES) {
    const piece = block.subarray(at, at + DEFAULT_MAX_FRAME_BYTES);
    const lastFlag = at + piece.length === block.length ? Flag.END_HEADERS : 0;
    const endFlag = at === 0 && endStream ? Flag.END_STREAM : 0;
    frames.push(
      frame(at === 0 ? FrameType.HEADERS : FrameType.CONTINUATION, lastFlag | endFlag, streamId, piece),
    );
  }
  return frames;
}

function optional(name: string, value: string | undefined): { name: string; value: string }[] {
  return value === undefined ? [] : [{ name, value }];
}

function grpcTimeout(timeoutMs: number): string {
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw new RangeError(`timeoutMs must be above 0 and at most ${MAX_TIMEOUT_MS}, not ${timeoutMs}`);
  }
  // At most eight digits: microseconds only for what they can express.
  return Number.isInteger(timeoutMs) || timeoutMs >= 99_999
    ? `${Math.ceil(timeoutMs)}m`
    : `${Math.ceil(timeoutMs * 1000)}u`;
}
