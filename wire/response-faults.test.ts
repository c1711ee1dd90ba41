import { describe, expect, test } from "vitest";
import { connect } from "./client.ts";
import { ErrorCode, Flag, FrameType, rstStreamFrame, windowUpdateFrame } from "./frames.ts";
import { encodeMessage } from "./grpc-message.ts";
import {
  bytes,
  data,
  headersFrame,
  okResponse,
  RESPONSE_HEAD,
  requestEnded,
  scriptPeer,
} from "./scripted-peer.ts";

const REQUEST = { path: "/a.B/C", message: Buffer.from("hello") };
describe("a violation on one stream ends that call only", () => {
  const tooMuch = (streamId: number) => [
    headersFrame(streamId, RESPONSE_HEAD),
    data(streamId, encodeMessage(Buffer.alloc(70), false)),
  ];
  test.each<[string, string, number | undefined, (id: number) => Buffer[]]>([
    [
      "a stream window overflow",
      "malformed-response",
      ErrorCode.FLOW_CONTROL_ERROR,
      (id) => [windowUpdateFrame(id, 2 ** 31 - 1)],
    ],
    [
      "a stream WINDOW_UPDATE of nothing",
      "malformed-response",
      ErrorCode.PROTOCOL_ERROR,
      (id) => [windowUpdateFrame(id, 0)],
    ],
    ["more DATA than our window", "malformed-response", ErrorCode.FLOW_CONTROL_ERROR, tooMuch],
    ["DATA before HEADERS", "malformed-response", ErrorCode.CANCEL, (id) => [data(id, bytes("0000000000"))]],
    [
      "an upper-case field name",
      "malformed-response",
      ErrorCode.CANCEL,
      (id) => [headersFrame(id, { ...RESPONSE_HEAD, Bad: "x" })],
    ],
    [
      "no :status",
      "malformed-response",
      ErrorCode.CANCEL,
      (id) => [headersFrame(id, { "content-type": "application/grpc" })],
    ],
    [
      "trailers that do not end the stream",
      "malformed-response",
      ErrorCode.CANCEL,
      (id) => [headersFrame(id, RESPONSE_HEAD), headersFrame(id, { "grpc-status": "0" })],
    ],
    [
      "no grpc-status",
      "malformed-response",
      undefined,
      (id) => [headersFrame(id, RESPONSE_HEAD), headersFrame(id, { a: "b" }, true)],
    ],
    [
      "status OK without a message",
      "malformed-response",
      undefined,
      (id) => [headersFrame(id, { ...RESPONSE_HEAD, "grpc-status": "0" }, true)],
    ],
    [
      "an end without trailers",
      "malformed-response",
      undefined,
      (id) => [headersFrame(id, RESPONSE_HEAD), data(id, bytes("0000000000"), Flag.END_STREAM)],
    ],
    [
      "two messages",
      "malformed-response",
      ErrorCode.CANCEL,
      (id) => [headersFrame(id, RESPONSE_HEAD), data(id, bytes("0000000000 0000000000"))],
    ],
    [
      "an unknown message flag",
      "malformed-response",
      ErrorCode.CANCEL,
      (id) => [headersFrame(id, RESPONSE_HEAD), data(id, bytes("0200000000"))],
    ],
    [
      "a message over the limit",
      "message-too-large",
      ErrorCode.CANCEL,
      (id) => [headersFrame(id, RESPONSE_HEAD), data(id, bytes("0000001000"))],
    ],
    [
      "a web page",
      "not-grpc",
      undefined,
      (id) => [headersFrame(id, { ":status": "503", "content-type": "text/html" }, true)],
    ],
    ["RST_STREAM", "reset", undefined, (id) => [rstStreamFrame(id, ErrorCode.INTERNAL_ERROR)]],
    [
      "RST_STREAM that says refused",
      "not-processed",
      undefined,
      (id) => [rstStreamFrame(id, ErrorCode.REFUSED_STREAM)],
    ],
  ])("%s", async (_name, failure, resetCode, frames) => {
    await using peer = await scriptPeer();
    const connection = await connect({
      host: "127.0.0.1",
      port: peer.port,
      initialWindowBytes: 64,
      maxMessageBytes: 100,
    });
    const bad = connection.call(REQUEST);
    const good = connection.call(REQUEST);
    await peer.frame(requestEnded(3));
    peer.say(...frames(1), okResponse(3));
    expect((await bad).failure).toBe(failure);
    expect((await bad).grpcStatus).not.toBe(0);
    expect((await good).failure).toBeUndefined();
    expect(connection.stats().openStreams).toBe(0);
    await connection.close();
    await peer.clientGone;
    const reset = peer.seen.find((seen) => seen.type === FrameType.RST_STREAM);
    expect(reset?.payload.readUInt32BE(0)).toBe(resetCode);
  });
});
