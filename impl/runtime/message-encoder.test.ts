import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { expect, test } from "vitest";
import { User } from "#proto/ecommerce/v1/user.ts";
import { type Encodable, encodeMessage } from "./message-encoder.ts";

const user = fc
  .record({ userId: fc.string(), email: fc.string({ maxLength: 500 }), roles: fc.array(fc.string()) })
  .map((fields) => User.fromPartial({ ...fields, profile: { displayName: fields.email } }));

test("a message has the same bytes whatever was encoded before it, and keeps them whatever comes after", () => {
  fc.assert(
    fc.property(fc.array(user, { minLength: 2, maxLength: 5 }), (users) => {
      const encoded = users.map((message) => encodeMessage(User, message));
      expect(encoded.map((bytes) => Buffer.from(bytes).toString("hex"))).toEqual(
        users.map((message) => Buffer.from(User.encode(message).finish()).toString("hex")),
      );
    }),
    { numRuns: 100 },
  );
});

test("a message that cannot be encoded, or is large, leaves nothing behind for the next", () => {
  const half: Encodable<null> = {
    encode(_, writer = new BinaryWriter()) {
      writer.uint32(10).fork().string("left behind");
      throw new RangeError("cannot be encoded");
    },
  };
  expect(() => encodeMessage(half, null)).toThrow("cannot be encoded");
  expect(encodeMessage(User, User.fromPartial({ email: "x".repeat(100_000) })).byteLength).toBeGreaterThan(
    1e5,
  );
  const next = encodeMessage(User, User.fromPartial({ userId: "u" }));
  expect([...next]).toEqual([...User.encode(User.fromPartial({ userId: "u" })).finish()]);
});

test("bytes that are encoded do not hold a larger buffer", () => {
  const bytes = encodeMessage(User, User.fromPartial({ email: "x".repeat(300) }));
  expect(bytes.buffer.byteLength).toBe(bytes.byteLength);
});

test("a message that encodes another on its way is not disturbed by it", () => {
  const nesting: Encodable<string> = {
    encode(message, writer = new BinaryWriter()) {
      const inner = encodeMessage(User, User.fromPartial({ userId: message }));
      return writer.uint32(10).string(message).uint32(18).bytes(inner);
    },
  };
  const expected = new BinaryWriter().uint32(10).string("a").uint32(18);
  expected.bytes(User.encode(User.fromPartial({ userId: "a" })).finish());
  expect([...encodeMessage(nesting, "a")]).toEqual([...expected.finish()]);
});
