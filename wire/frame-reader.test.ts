import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameReader } from "./frame-reader.ts";
import { ErrorCode, frame, writeFrameHeader } from "./frames.ts";

interface Seen {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: string;
}

const frames = fc.array(
  fc.record({
    type: fc.integer({ min: 0, max: 255 }),
    flags: fc.integer({ min: 0, max: 255 }),
    streamId: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    payload: fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  }),
  { maxLength: 12 },
);

function readAll(chunks: readonly Buffer[], maxFrameBytes = 1_000): Seen[] {
  const seen: Seen[] = [];
  const reader = new FrameReader(maxFrameBytes, (type, flags, streamId, bytes, start, end) =>
    seen.push({ type, flags, streamId, payload: bytes.toString("hex", start, end) }),
  );
  for (const chunk of chunks) {
    const reused = Buffer.concat([Buffer.alloc(3), chunk, Buffer.alloc(2)]);
    reader.push(reused, 3, 3 + chunk.length);
    reused.fill(0xaa); // A socket's buffer is overwritten by the next read.
  }
  return seen;
}

test("however the bytes are cut, the same frames come out", () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 }), (sent, cuts) => {
      const stream = Buffer.concat(
        sent.map(({ type, flags, streamId, payload }) =>
          frame(type, flags, streamId, Buffer.from(payload, "hex")),
        ),
      );
      const chunks: Buffer[] = [];
      let at = 0;
      for (const cut of cuts) {
        chunks.push(stream.subarray(at, at + cut));
        at = Math.min(stream.length, at + cut);
      }
      chunks.push(stream.subarray(at));
      expect(readAll(chunks)).toEqual(sent);
    }),
  );
});

test("the reserved bit of a stream id is ignored", () => {
  const bytes = frame(0, 0, 5, Buffer.alloc(0));
  bytes[5] = (bytes[5] ?? 0) | 0x80;
  expect(readAll([bytes])[0]?.streamId).toBe(5);
});

test("a frame of the largest size passes, one byte more is refused before its payload comes", () => {
  expect(readAll([frame(0, 0, 1, Buffer.alloc(1_000))])).toHaveLength(1);
  const header = Buffer.alloc(9);
  writeFrameHeader(header, 0, 1_001, 0, 0, 1);
  const refused = expect.objectContaining({ code: ErrorCode.FRAME_SIZE_ERROR, fault: "peer-violated" });
  expect(() => readAll([header])).toThrow(refused);
  expect(() => readAll([header.subarray(0, 4), header.subarray(4)])).toThrow(refused);
});
