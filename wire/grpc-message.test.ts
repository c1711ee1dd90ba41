import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeMessage, MessageReader, type ReceivedMessage } from "./grpc-message.ts";

const messages = fc.array(fc.record({ bytes: fc.uint8Array({ maxLength: 200 }), compressed: fc.boolean() }), {
  maxLength: 8,
});

function readAll(chunks: readonly Buffer[], keep: boolean): { seen: ReceivedMessage[]; idle: boolean } {
  const seen: ReceivedMessage[] = [];
  const reader = new MessageReader(200, keep, (message) => seen.push(message));
  for (const chunk of chunks) {
    const reused = Buffer.from(chunk);
    expect(reader.push(reused, 0, reused.length)).toBeUndefined();
    reused.fill(0xaa);
  }
  return { seen, idle: reader.idle };
}

test("however the bytes are cut, the same messages come out", () => {
  fc.assert(
    fc.property(messages, fc.integer({ min: 1, max: 50 }), fc.boolean(), (sent, size, keep) => {
      const stream = Buffer.concat(sent.map(({ bytes, compressed }) => encodeMessage(bytes, compressed)));
      const chunks: Buffer[] = [];
      for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
      const { seen, idle } = readAll(chunks, keep);
      expect(idle).toBe(true);
      expect(seen).toEqual(
        sent.map(({ bytes, compressed }) => ({
          length: bytes.length,
          compressed,
          bytes: keep ? Buffer.from(bytes) : undefined,
        })),
      );
    }),
  );
});

test("a reader is not idle inside a message or its prefix", () => {
  const whole = encodeMessage(Buffer.from("abc"), false);
  for (let cut = 1; cut < whole.length; cut++)
    expect(readAll([whole.subarray(0, cut)], true).idle).toBe(false);
});

test("a message over the limit is refused by its prefix alone, and so is an unknown flag", () => {
  const reader = () => new MessageReader(200, true, () => expect.unreachable());
  expect(reader().push(Buffer.from("00000000c9", "hex"), 0, 5)).toBe("message-too-large");
  expect(reader().push(Buffer.from("0200000001", "hex"), 0, 5)).toBe("bad-flag");
});
