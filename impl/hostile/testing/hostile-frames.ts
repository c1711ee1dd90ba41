// The pieces that hostile bytes are made of.
import { echoPath } from "#impl/client/testing/echo.ts";
import { text } from "#impl/runtime/testing/echo-service.ts";
import { CLIENT_PREFACE, Flag, FrameType, frame } from "#wire/frames.ts";
import { encodeMessage } from "#wire/grpc-message.ts";
import { encodeHeaders } from "#wire/hpack/encoder.ts";

export const NOTHING: Buffer = Buffer.alloc(0);
export const PREFACE = CLIENT_PREFACE;

export type Fields = Readonly<Record<string, string | undefined>>;

/** The fields of an ordinary call; undefined takes one away. */
export function headerBlock(method: string, changed: Fields = {}): Buffer {
  const fields: Fields = {
    ":method": "POST",
    ":scheme": "http",
    ":path": echoPath(method),
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
    ...changed,
  };
  return encodeHeaders(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }])),
  );
}

/** HEADERS that open a call. */
export function open(
  method: string,
  changed: Fields = {},
  streamId = 1,
  flags: number = Flag.END_HEADERS,
): Buffer {
  return frame(FrameType.HEADERS, flags, streamId, headerBlock(method, changed));
}

export function data(payload: Uint8Array, streamId = 1): Buffer {
  return frame(FrameType.DATA, 0, streamId, payload);
}

/** DATA that ends the request. */
export function lastData(payload: Uint8Array, streamId = 1): Buffer {
  return frame(FrameType.DATA, Flag.END_STREAM, streamId, payload);
}

export function message(content: string): Buffer {
  return encodeMessage(text.encode(content).finish(), false);
}

/** A message of these bytes that says it is compressed. */
export function compressed(bytes: Uint8Array): Buffer {
  return encodeMessage(bytes, true);
}

/** A whole call. */
export function call(method: string, changed: Fields = {}, streamId = 1): Buffer {
  return Buffer.concat([open(method, changed, streamId), lastData(message("hello"), streamId)]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function repeated(count: number, make: (n: number) => Uint8Array): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, n) => make(n)));
}
