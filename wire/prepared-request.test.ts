import { expect, test } from "vitest";
import { FrameReader } from "./frame-reader.ts";
import { Flag, FrameType } from "./frames.ts";
import { decodeGrpcMessage } from "./grpc-status.ts";
import { HpackDecoder } from "./hpack/decoder.ts";
import { decodeMetadata, encodeMetadata } from "./metadata.ts";
import { headerFrames, prepare } from "./prepared-request.ts";

const fieldsOf = (block: Buffer) =>
  new HpackDecoder(4_096, 1_000_000)
    .decode(block, 0, block.length)
    .fields.map(({ name, value }) => `${name}: ${value}`);

test("a request has pseudo-headers first and says what it is", () => {
  const request = prepare({
    path: "/shop.v1.Users/Get",
    authority: "shop:443",
    scheme: "https",
    timeoutMs: 1_500,
    encoding: "gzip",
    acceptEncoding: "gzip",
    metadata: [
      ["x-request-id", "7"],
      ["trace-bin", Uint8Array.of(1, 2)],
    ],
    message: Uint8Array.of(9),
  });
  expect(fieldsOf(request.block)).toEqual([
    ":method: POST",
    ":scheme: https",
    ":path: /shop.v1.Users/Get",
    ":authority: shop:443",
    "te: trailers",
    "content-type: application/grpc",
    "grpc-timeout: 1500m",
    "grpc-encoding: gzip",
    "grpc-accept-encoding: gzip",
    "x-request-id: 7",
    "trace-bin: AQI",
  ]);
  expect(request.body).toEqual(Buffer.of(1, 0, 0, 0, 1, 9));
});

test("a large header block goes out as HEADERS and CONTINUATION, each within 16,384 bytes", () => {
  const block = Buffer.alloc(40_000, 7);
  const seen: [number, number, number][] = [];
  const reader = new FrameReader(16_384, (type, flags, _id, _bytes, start, end) =>
    seen.push([type, flags, end - start]),
  );
  const bytes = Buffer.concat(headerFrames(block, 3, true));
  reader.push(bytes, 0, bytes.length);
  expect(seen).toEqual([
    [FrameType.HEADERS, Flag.END_STREAM, 16_384],
    [FrameType.CONTINUATION, 0, 16_384],
    [FrameType.CONTINUATION, Flag.END_HEADERS, 7_232],
  ]);
});

test.each([
  [0.25, "250u"],
  [1, "1m"],
  [150_000.5, "150001m"],
])("a timeout of %d ms is sent as %s", (timeoutMs, text) => {
  const { block } = prepare({ path: "/a/b", timeoutMs, message: Buffer.alloc(0) });
  expect(fieldsOf(block)).toContain(`grpc-timeout: ${text}`);
});

test.each([
  [{ path: "no-slash" }, "no-slash"],
  [{ path: "/a b" }, "/a b"],
  [{ path: "/a/b", timeoutMs: 0 }, "not 0"],
  [{ path: "/a/b", timeoutMs: Number.NaN }, "NaN"],
  [{ path: "/a/b", metadata: [["Upper", "x"] as const] }, "Upper"],
  [{ path: "/a/b", metadata: [[":path", "x"] as const] }, ":path"],
  [{ path: "/a/b", metadata: [["te", "x"] as const] }, "te"],
  [{ path: "/a/b", metadata: [["a", "x\r\ny"] as const] }, "printable"],
  [{ path: "/a/b", metadata: [["a-bin", "text"] as const] }, "a-bin"],
  [{ path: "/a/b", metadata: [["a", Uint8Array.of(1)] as const] }, "-bin"],
  [{ path: "/a/b", metadata: [["a", "x".repeat(70_000)] as const] }, "65536"],
])("a request that cannot be sent is refused, naming the value: %j", (head, named) => {
  expect(() => prepare({ ...head, message: Buffer.alloc(0) })).toThrow(RangeError);
  expect(() => prepare({ ...head, message: Buffer.alloc(0) })).toThrow(named);
});

test("binary metadata comes back, also several values in one field", () => {
  const fields = encodeMetadata([["k-bin", Uint8Array.of(0, 255)]]);
  expect(decodeMetadata(fields)).toEqual([["k-bin", Buffer.of(0, 255)]]);
  expect(decodeMetadata([{ name: "k-bin", value: "AP8,AQ==" }])).toEqual([
    ["k-bin", Buffer.of(0, 255)],
    ["k-bin", Buffer.of(1)],
  ]);
});

test("grpc-message is percent-decoded as UTF-8, and a broken escape does no harm", () => {
  expect(decodeGrpcMessage("caf%C3%A9 100%25")).toBe("café 100%");
  expect(decodeGrpcMessage("50% %zz %f")).toBe("50% %zz %f");
});
