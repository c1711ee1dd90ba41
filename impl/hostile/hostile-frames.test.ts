// Bytes that no client sends, each on a connection of its own: the stream or the connection ends as the protocol says, and everyone else is served.
import { deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { text } from "#impl/runtime/testing/echo-service.ts";
import {
  ErrorCode,
  Flag,
  FrameType,
  frame,
  goawayFrame,
  pingFrame,
  rstStreamFrame,
  windowUpdateFrame,
} from "#wire/frames.ts";
import { encodeHeaders } from "#wire/hpack/encoder.ts";
import {
  call,
  compressed,
  data,
  headerBlock,
  lastData,
  message,
  NOTHING,
  open,
  PREFACE,
  repeated,
  uint32,
} from "./testing/hostile-frames.ts";
import {
  expectHealthy,
  type HostileServer,
  MAX_MESSAGE_BYTES,
  SPLIT,
  startHostileServer,
} from "./testing/hostile-server.ts";
import { greeting, rawCaller } from "./testing/raw-caller.ts";

let target: HostileServer;
beforeAll(async () => {
  target = await startHostileServer();
});
afterAll(() => target[Symbol.asyncDispose]());

const manyFields = (count: number, bytes: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n + 100}`, "v".repeat(bytes)]));

const packedCall = (encoding: string, bytes: Uint8Array): Buffer =>
  Buffer.concat([open("unary", { "grpc-encoding": encoding }), lastData(compressed(bytes))]);

type Attack = readonly [what: string, bytes: () => Buffer, outcome: string];

async function attack(bytes: Buffer, outcome: string): Promise<void> {
  await using caller = await rawCaller(target.server.port);
  const other = target.client.unary("at the same time");
  caller.say(bytes);
  expect(await caller.outcome()).toBe(outcome);
  expect(await other).toBe("at the same time");
  caller.cut();
  await expectHealthy(target);
}

const setting = (id: number, value: number): Buffer => Buffer.concat([Buffer.of(0, id), uint32(value)]);
const settings = (payload: Buffer, streamId = 0): Buffer => frame(FrameType.SETTINGS, 0, streamId, payload);

test("an ordinary call by hand is answered", () =>
  attack(Buffer.concat([greeting(), call("unary")]), "status 0"));

test.for<Attack>([
  ["garbage in place of the preface", () => Buffer.alloc(64, 0xff), "goaway INTERNAL_ERROR"],
  ["an HTTP/1.1 request", () => Buffer.from("GET / HTTP/1.1\r\nhost: a\r\n\r\n"), "goaway INTERNAL_ERROR"],
  ["a TLS hello", () => Buffer.from("16030100a5010000a10303", "hex"), "goaway INTERNAL_ERROR"],
  [
    "a preface that changes its mind",
    () => Buffer.concat([PREFACE.subarray(0, 20), Buffer.from("oops!")]),
    "goaway INTERNAL_ERROR",
  ],
  [
    "a first frame that is not SETTINGS",
    () => Buffer.concat([PREFACE, pingFrame(Buffer.alloc(8), false)]),
    "goaway PROTOCOL_ERROR",
  ],
])("%s ends the connection", ([, bytes, outcome]) => attack(bytes(), outcome));

test.for<Attack>([
  [
    "a frame over the largest size",
    () => frame(FrameType.DATA, 0, 1, Buffer.alloc(16_385)),
    "goaway FRAME_SIZE_ERROR",
  ],
  ["a PING of seven bytes", () => frame(FrameType.PING, 0, 0, Buffer.alloc(7)), "goaway FRAME_SIZE_ERROR"],
  ["SETTINGS of five bytes", () => settings(Buffer.alloc(5)), "goaway FRAME_SIZE_ERROR"],
  [
    "an acknowledgement of SETTINGS that holds some",
    () => frame(FrameType.SETTINGS, Flag.ACK, 0, setting(3, 1)),
    "goaway FRAME_SIZE_ERROR",
  ],
  [
    "a RST_STREAM of three bytes",
    () => frame(FrameType.RST_STREAM, 0, 1, Buffer.alloc(3)),
    "goaway FRAME_SIZE_ERROR",
  ],
  [
    "a WINDOW_UPDATE of two bytes",
    () => frame(FrameType.WINDOW_UPDATE, 0, 0, Buffer.alloc(2)),
    "goaway FRAME_SIZE_ERROR",
  ],
  ["a GOAWAY of four bytes", () => frame(FrameType.GOAWAY, 0, 0, Buffer.alloc(4)), "goaway FRAME_SIZE_ERROR"],
  ["DATA on stream 0", () => data(message("a"), 0), "goaway PROTOCOL_ERROR"],
  ["HEADERS on stream 0", () => open("unary", {}, 0), "goaway PROTOCOL_ERROR"],
  ["RST_STREAM on stream 0", () => rstStreamFrame(0, 8), "goaway PROTOCOL_ERROR"],
  ["SETTINGS on stream 1", () => settings(setting(3, 1), 1), "goaway PROTOCOL_ERROR"],
  ["PING on stream 1", () => frame(FrameType.PING, 0, 1, Buffer.alloc(8)), "goaway PROTOCOL_ERROR"],
  ["GOAWAY on stream 1", () => frame(FrameType.GOAWAY, 0, 1, Buffer.alloc(8)), "goaway PROTOCOL_ERROR"],
  ["a stream of an even number", () => open("unary", {}, 2), "goaway PROTOCOL_ERROR"],
  ["DATA of a stream that was never opened", () => data(message("a")), "goaway PROTOCOL_ERROR"],
  ["RST_STREAM of a stream that was never opened", () => rstStreamFrame(1, 8), "goaway PROTOCOL_ERROR"],
  ["WINDOW_UPDATE of a stream that was never opened", () => windowUpdateFrame(1, 1), "goaway PROTOCOL_ERROR"],
  [
    "PUSH_PROMISE",
    () => frame(FrameType.PUSH_PROMISE, Flag.END_HEADERS, 1, uint32(2)),
    "goaway PROTOCOL_ERROR",
  ],
  [
    "CONTINUATION that continues nothing",
    () => frame(FrameType.CONTINUATION, 0, 1, NOTHING),
    "goaway PROTOCOL_ERROR",
  ],
  [
    "a frame between HEADERS and CONTINUATION",
    () => Buffer.concat([open("unary", {}, 1, 0), pingFrame(Buffer.alloc(8), false)]),
    "goaway PROTOCOL_ERROR",
  ],
  [
    "a window of the connection over 2^31",
    () => repeated(2, () => windowUpdateFrame(0, 0x7fffffff)),
    "goaway FLOW_CONTROL_ERROR",
  ],
  ["an update of the connection's window by nothing", () => windowUpdateFrame(0, 0), "goaway PROTOCOL_ERROR"],
  ["an initial window over 2^31", () => settings(setting(4, 0x80000000)), "goaway FLOW_CONTROL_ERROR"],
  ["a largest frame below the least", () => settings(setting(5, 1)), "goaway PROTOCOL_ERROR"],
  ["ENABLE_PUSH of 2", () => settings(setting(2, 2)), "goaway PROTOCOL_ERROR"],
  [
    "more padding than payload",
    () => frame(FrameType.DATA, Flag.PADDED, 1, Buffer.of(9, 0)),
    "goaway PROTOCOL_ERROR",
  ],
  [
    "a header index that is in no table",
    () => frame(FrameType.HEADERS, Flag.END_HEADERS, 1, Buffer.of(0xff, 0xff, 0x7f)),
    "goaway COMPRESSION_ERROR",
  ],
  [
    "a header block cut off",
    () => frame(FrameType.HEADERS, Flag.END_HEADERS, 1, headerBlock("unary").subarray(0, -3)),
    "goaway COMPRESSION_ERROR",
  ],
  [
    "a header integer without an end",
    () => frame(FrameType.HEADERS, Flag.END_HEADERS, 1, Buffer.alloc(64, 0xff)),
    "goaway COMPRESSION_ERROR",
  ],
  [
    "a header table larger than allowed",
    () => frame(FrameType.HEADERS, Flag.END_HEADERS, 1, Buffer.of(0x3f, 0xe1, 0xff, 0x07)),
    "goaway COMPRESSION_ERROR",
  ],
  ["a farewell with an error", () => goawayFrame(0, ErrorCode.INTERNAL_ERROR, "bye"), "closed"],
])("%s ends the connection", ([, bytes, outcome]) => attack(Buffer.concat([greeting(), bytes()]), outcome));

test.for<Attack>([
  [
    "a window of the stream over 2^31",
    () => Buffer.concat([open("collect"), repeated(2, () => windowUpdateFrame(1, 0x7fffffff))]),
    "goaway FLOW_CONTROL_ERROR",
  ],
  ["a header name in capitals", () => call("unary", { "X-Upper": "1" }), "reset PROTOCOL_ERROR"],
  ["a pseudo-header that is none", () => call("unary", { ":status": "200" }), "reset PROTOCOL_ERROR"],
  ["a header of HTTP/1.1", () => call("unary", { connection: "close" }), "reset PROTOCOL_ERROR"],
  ["a header without a path", () => call("unary", { ":path": undefined }), "reset PROTOCOL_ERROR"],
  ["te of something else", () => call("unary", { te: "gzip" }), "reset PROTOCOL_ERROR"],
  ["a content-length that is wrong", () => call("unary", { "content-length": "3" }), "goaway INTERNAL_ERROR"],
  ["a header list over the limit", () => call("unary", manyFields(110, 118)), "reset ENHANCE_YOUR_CALM"],
  ["more header fields than allowed", () => call("unary", manyFields(200, 1)), "reset ENHANCE_YOUR_CALM"],
])("%s ends the stream", ([, bytes, outcome]) => attack(Buffer.concat([greeting(), bytes()]), outcome));

test.for<Attack>([
  ["no te", () => call("unary", { te: undefined }), "status 0"],
  ["another content type", () => call("unary", { "content-type": "text/html" }), "http 415"],
  ["no content type", () => call("unary", { "content-type": undefined }), "http 415"],
  ["GET", () => call("unary", { ":method": "GET" }), "http 405"],
  ["an unknown method", () => call("unary", { ":path": "/no.Such/Thing" }), "status 12"],
  ["a path of 4 KiB", () => call("unary", { ":path": `/${"a".repeat(4_096)}` }), "status 12"],
  ["a path that is percent-encoded badly", () => call("unary", { ":path": "/%zz/%" }), "status 12"],
  ["a timeout that is none", () => call("unary", { "grpc-timeout": "soon" }), "status 13"],
  ["a negative timeout", () => call("unary", { "grpc-timeout": "-5S" }), "status 13"],
  ["a timeout with a point", () => call("unary", { "grpc-timeout": "1.5S" }), "status 13"],
  ["a timeout of nine digits", () => call("unary", { "grpc-timeout": "123456789m" }), "status 13"],
  ["a timeout with something after it", () => call("unary", { "grpc-timeout": "5Sx" }), "status 13"],
  ["a timeout of eight digits", () => call("unary", { "grpc-timeout": "12345678m" }), "status 0"],
  ["a message that is gzip", () => packedCall("gzip", gzipSync(text.encode("a").finish())), "status 0"],
  [
    "a message that is deflate",
    () => packedCall("deflate", deflateSync(text.encode("a").finish())),
    "status 0",
  ],
  [
    "a header with a line break, which is dropped",
    () => call("unary", { [SPLIT]: "a\r\nx-b: c" }),
    "status 0",
  ],
  ["binary metadata that is no base64", () => call("unary", { "x-bad-bin": "%%%not base64%%%" }), "status 0"],
  [
    "a message over the limit",
    () => Buffer.concat([open("unary"), data(Buffer.concat([Buffer.of(0), uint32(MAX_MESSAGE_BYTES + 1)]))]),
    "status 8",
  ],
  [
    "a message of 4 GiB",
    () => Buffer.concat([open("chat"), data(Buffer.of(0, 0xff, 0xff, 0xff, 0xff))]),
    "status 8",
  ],
  [
    "a message whose end never comes",
    () => Buffer.concat([open("unary"), lastData(message("hello").subarray(0, 6))]),
    "status 3",
  ],
  [
    "bytes after the one message",
    () => Buffer.concat([open("unary"), lastData(Buffer.concat([message("a"), Buffer.of(0, 0)]))]),
    "status 3",
  ],
  [
    "two messages of an unary call",
    () => Buffer.concat([open("unary"), lastData(repeated(2, () => message("a")))]),
    "status 3",
  ],
  ["no message of an unary call", () => Buffer.concat([open("unary"), lastData(NOTHING)]), "status 3"],
  [
    "a flag that is neither 0 nor 1",
    () => Buffer.concat([open("unary"), lastData(Buffer.of(7, 0, 0, 0, 0))]),
    "status 13",
  ],
  [
    "compression without an encoding",
    () => Buffer.concat([open("unary"), lastData(compressed(gzipSync("a")))]),
    "status 13",
  ],
  [
    "an encoding that nobody knows",
    () => Buffer.concat([open("unary", { "grpc-encoding": "snappy" }), lastData(compressed(Buffer.of(1)))]),
    "status 12",
  ],
  [
    "gzip that is none",
    () =>
      Buffer.concat([open("unary", { "grpc-encoding": "gzip" }), lastData(compressed(Buffer.of(1, 2, 3)))]),
    "status 13",
  ],
  [
    "gzip that is cut off",
    () =>
      Buffer.concat([
        open("unary", { "grpc-encoding": "gzip" }),
        lastData(compressed(gzipSync("hello").subarray(0, -9))),
      ]),
    "status 13",
  ],
  [
    "a message that is no protobuf",
    () => Buffer.concat([open("unary"), lastData(Buffer.of(0, 0, 0, 0, 2, 0x0a, 0x7f))]),
    "status 3",
  ],
  [
    "trailers of a request",
    () =>
      Buffer.concat([
        open("collect"),
        data(message("abc")),
        frame(
          FrameType.HEADERS,
          Flag.END_HEADERS | Flag.END_STREAM,
          1,
          encodeHeaders([{ name: "x-after", value: "1" }]),
        ),
      ]),
    "status 0",
  ],
])("%s is answered", ([, bytes, outcome]) => attack(Buffer.concat([greeting(), bytes()]), outcome));
