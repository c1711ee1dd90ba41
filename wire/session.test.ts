import { describe, expect, test } from "vitest";
import { connect } from "./client.ts";
import {
  ErrorCode,
  Flag,
  FrameType,
  frame,
  goawayFrame,
  pingFrame,
  rstStreamFrame,
  windowUpdateFrame,
} from "./frames.ts";
import { encodeMessage } from "./grpc-message.ts";
import {
  bytes,
  data,
  headersFrame,
  okResponse,
  RESPONSE_HEAD,
  requestEnded,
  type ScriptedPeer,
  scriptPeer,
} from "./scripted-peer.ts";
import { settingsFrame } from "./settings.ts";
import type { ConnectionError } from "./wire-error.ts";

const REQUEST = { path: "/a.B/C", message: Buffer.from("hello") };
async function open(peer: ScriptedPeer, options = {}) {
  const connection = await connect({ host: "127.0.0.1", port: peer.port, ...options });
  const closed = new Promise<ConnectionError | undefined>((resolve) => {
    connection.onClose = resolve;
  });
  return { connection, closed };
}

describe("a violation ends the connection with its code, and every call once", () => {
  test.each<[string, number, Buffer[]]>([
    ["a frame over our size", ErrorCode.FRAME_SIZE_ERROR, [bytes("004001 00 00 00000001")]],
    [
      "a bad HPACK index",
      ErrorCode.COMPRESSION_ERROR,
      [frame(FrameType.HEADERS, Flag.END_HEADERS, 1, bytes("ff80"))],
    ],
    ["HEADERS on a stream never begun", ErrorCode.PROTOCOL_ERROR, [headersFrame(99, RESPONSE_HEAD)]],
    ["a connection window overflow", ErrorCode.FLOW_CONTROL_ERROR, [windowUpdateFrame(0, 2 ** 31 - 1)]],
    ["a WINDOW_UPDATE of nothing", ErrorCode.PROTOCOL_ERROR, [windowUpdateFrame(0, 0)]],
    [
      "a WINDOW_UPDATE of three bytes",
      ErrorCode.FRAME_SIZE_ERROR,
      [frame(FrameType.WINDOW_UPDATE, 0, 0, bytes("000001"))],
    ],
    ["DATA on stream 0", ErrorCode.PROTOCOL_ERROR, [data(0, bytes("00"))]],
    ["DATA on a stream never begun", ErrorCode.PROTOCOL_ERROR, [data(77, bytes("00"))]],
    ["RST_STREAM on a stream never begun", ErrorCode.PROTOCOL_ERROR, [rstStreamFrame(2, 0)]],
    ["HEADERS on a stream of the server's", ErrorCode.PROTOCOL_ERROR, [headersFrame(2, RESPONSE_HEAD)]],
    [
      "PUSH_PROMISE",
      ErrorCode.PROTOCOL_ERROR,
      [frame(FrameType.PUSH_PROMISE, Flag.END_HEADERS, 1, bytes("00000002 88"))],
    ],
    ["PING of seven bytes", ErrorCode.FRAME_SIZE_ERROR, [frame(FrameType.PING, 0, 0, Buffer.alloc(7))]],
    ["SETTINGS on a stream", ErrorCode.PROTOCOL_ERROR, [frame(FrameType.SETTINGS, 0, 1, Buffer.alloc(0))]],
    [
      "SETTINGS of five bytes",
      ErrorCode.FRAME_SIZE_ERROR,
      [frame(FrameType.SETTINGS, 0, 0, Buffer.alloc(5))],
    ],
    [
      "SETTINGS with too large a window",
      ErrorCode.FLOW_CONTROL_ERROR,
      [settingsFrame({ initialWindowBytes: 2 ** 31 })],
    ],
    ["SETTINGS with too small a frame", ErrorCode.PROTOCOL_ERROR, [settingsFrame({ maxFrameBytes: 100 })]],
    ["more padding than payload", ErrorCode.PROTOCOL_ERROR, [data(1, bytes("05 00"), Flag.PADDED)]],
    [
      "a header block interrupted",
      ErrorCode.PROTOCOL_ERROR,
      [frame(FrameType.HEADERS, 0, 1, bytes("88")), pingFrame(Buffer.alloc(8), false)],
    ],
    [
      "CONTINUATION out of place",
      ErrorCode.PROTOCOL_ERROR,
      [frame(FrameType.CONTINUATION, 0, 1, bytes("88"))],
    ],
    [
      "GOAWAY that raises its last stream",
      ErrorCode.PROTOCOL_ERROR,
      [goawayFrame(1, 0, ""), goawayFrame(3, 0, "")],
    ],
    [
      "a CONTINUATION flood of empty frames",
      ErrorCode.ENHANCE_YOUR_CALM,
      [
        frame(FrameType.HEADERS, 0, 1, bytes("88")),
        ...Array.from({ length: 100 }, () => frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(0))),
      ],
    ],
    [
      "a CONTINUATION flood of bytes",
      ErrorCode.ENHANCE_YOUR_CALM,
      [
        frame(FrameType.HEADERS, 0, 1, bytes("88")),
        ...Array.from({ length: 5 }, () => frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(16_000, 0x88))),
      ],
    ],
    [
      "a header list that decodes too large",
      ErrorCode.ENHANCE_YOUR_CALM,
      [frame(FrameType.HEADERS, Flag.END_HEADERS, 1, Buffer.alloc(2_000, 0x90))],
    ],
    [
      "a PING flood",
      ErrorCode.ENHANCE_YOUR_CALM,
      Array.from({ length: 10_050 }, () => pingFrame(Buffer.alloc(8), false)),
    ],
    [
      "a flood of empty DATA",
      ErrorCode.ENHANCE_YOUR_CALM,
      [headersFrame(1, RESPONSE_HEAD), ...Array.from({ length: 10_050 }, () => data(1, Buffer.alloc(0)))],
    ],
  ])("%s", async (_name, code, frames) => {
    await using peer = await scriptPeer();
    const { connection, closed } = await open(peer, { maxHeaderListBytes: 65_536 });
    let ends = 0;
    const calls = Array.from({ length: 3 }, () => connection.call(REQUEST).finally(() => ends++));
    await peer.frame(requestEnded(5));
    peer.say(...frames);
    const error = await closed;
    expect(error).toMatchObject({ name: "ConnectionError", fault: "peer-violated", code });
    for (const result of await Promise.all(calls)) {
      expect(result.grpcStatus).toBe(14);
      expect(["connection-lost", "not-processed"]).toContain(result.failure);
    }
    expect(ends).toBe(3);
    const goaway = await peer.frame((seen) => seen.type === FrameType.GOAWAY);
    expect(goaway.payload.readUInt32BE(4)).toBe(code);
    await connection.close();
    await peer.clientGone;
  });
});

test("a first frame that is not SETTINGS fails the attempt to connect", async () => {
  await using peer = await scriptPeer({}, true);
  const attempt = connect({ host: "127.0.0.1", port: peer.port });
  await peer.frame((seen) => seen.type === FrameType.SETTINGS);
  peer.say(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await expect(attempt).rejects.toMatchObject({ name: "ConnectionError", fault: "peer-violated" });
  await peer.clientGone;
});

test("a peer that never greets is left when the signal says so", async () => {
  await using peer = await scriptPeer({}, true);
  const controller = new AbortController();
  const attempt = connect({ host: "127.0.0.1", port: peer.port, signal: controller.signal });
  await peer.frame((seen) => seen.type === FrameType.SETTINGS);
  controller.abort(new Error("enough"));
  await expect(attempt).rejects.toThrow("enough");
  await peer.clientGone;
});

test("padding, priority, 1xx, unknown frames and settings are taken in good order", async () => {
  await using peer = await scriptPeer();
  const { connection } = await open(peer);
  const call = connection.call(REQUEST);
  await peer.frame(requestEnded(1));
  const head = headersFrame(1, RESPONSE_HEAD).subarray(9);
  const message = encodeMessage(Buffer.from("padded"), false);
  peer.say(
    frame(0xee, 0xff, 1, Buffer.alloc(20)),
    settingsFrame({ maxConcurrentStreams: 7 }),
    headersFrame(1, { ":status": "103", link: "x" }),
    frame(FrameType.PRIORITY, 0, 1, Buffer.alloc(5)),
    frame(
      FrameType.HEADERS,
      Flag.PADDED | Flag.PRIORITY,
      1,
      Buffer.concat([bytes("03 00000000 00"), head.subarray(0, 4), Buffer.alloc(3)]),
    ),
    frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(0)),
    frame(FrameType.CONTINUATION, Flag.END_HEADERS, 1, head.subarray(4)),
    data(1, Buffer.concat([bytes("04"), message, Buffer.alloc(4)]), Flag.PADDED),
    pingFrame(bytes("0102030405060708"), false),
    headersFrame(1, { "grpc-status": "0", "grpc-message": "caf%C3%A9" }, true),
  );
  expect(await call).toMatchObject({
    failure: undefined,
    grpcMessage: "café",
    message: Buffer.from("padded"),
  });
  const pong = await peer.frame((seen) => seen.type === FrameType.PING);
  expect([pong.flags, pong.payload]).toEqual([Flag.ACK, bytes("0102030405060708")]);
  expect(connection.stats().maxConcurrentStreams).toBe(7);
  expect(
    peer.seen.filter(({ type, flags }) => type === FrameType.SETTINGS && flags === Flag.ACK),
  ).toHaveLength(2);
  await connection.close();
});

test("a window taken below zero by SETTINGS holds data back until it is positive again", async () => {
  await using peer = await scriptPeer({ initialWindowBytes: 10 });
  const { connection } = await open(peer);
  const call = connection.call({ ...REQUEST, message: Buffer.alloc(20) });
  const first = await peer.frame((seen) => seen.type === FrameType.DATA);
  expect(first.payload).toHaveLength(10);
  peer.say(
    settingsFrame({ initialWindowBytes: 4 }),
    windowUpdateFrame(1, 6),
    pingFrame(Buffer.alloc(8), false),
  );
  await peer.frame((seen) => seen.type === FrameType.PING);
  expect(peer.seen.filter((seen) => seen.type === FrameType.DATA)).toHaveLength(1);
  peer.say(windowUpdateFrame(1, 15));
  const last = await peer.frame(requestEnded(1));
  expect(last.payload).toHaveLength(15);
  peer.say(okResponse(1));
  expect((await call).failure).toBeUndefined();
  await connection.close();
});

test("a response that comes before the request is sent whole ends the call and stops the sending", async () => {
  await using peer = await scriptPeer({ initialWindowBytes: 10 });
  const { connection } = await open(peer);
  const call = connection.call({ ...REQUEST, message: Buffer.alloc(100) });
  await peer.frame((seen) => seen.type === FrameType.DATA);
  peer.say(headersFrame(1, { ...RESPONSE_HEAD, "grpc-status": "8", "grpc-message": "too much" }, true));
  expect(await call).toMatchObject({ grpcStatus: 8, grpcMessage: "too much", failure: undefined });
  await peer.frame((seen) => seen.type === FrameType.RST_STREAM);
  expect(connection.stats().openStreams).toBe(0);
  await connection.close();
});

test("a peer that made its header table smaller hears a size update in our next block, once", async () => {
  await using peer = await scriptPeer();
  const { connection } = await open(peer);
  peer.say(frame(FrameType.SETTINGS, 0, 0, bytes("0001 00000000")), pingFrame(Buffer.alloc(8), false));
  await peer.frame((seen) => seen.type === FrameType.PING);
  const calls = [connection.call(REQUEST), connection.call(REQUEST)];
  await peer.frame(requestEnded(3));
  const blocks = peer.seen.filter((seen) => seen.type === FrameType.HEADERS);
  expect(blocks.map(({ payload }) => payload[0])).toEqual([0x20, 0x83]);
  peer.say(okResponse(1), okResponse(3));
  expect((await Promise.all(calls)).map(({ failure }) => failure)).toEqual([undefined, undefined]);
  await connection.close();
});
