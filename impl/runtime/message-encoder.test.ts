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

const small = User.fromPartial({ userId: "u" });
const expected = [...User.encode(small).finish()];

test("a message that cannot be encoded leaves nothing behind for the next", () => {
  const half: Encodable<null> = {
    encode(_, writer = new BinaryWriter()) {
      writer.uint32(10).fork().string("left behind");
      throw new RangeError("cannot be encoded");
    },
  };
  encodeMessage(User, small);
  expect(() => encodeMessage(half, null)).toThrow("cannot be encoded");
  expect([...encodeMessage(User, small)]).toEqual(expected);
});

test("the writer of a large message is not kept", () => {
  const writers = new Set<BinaryWriter | undefined>();
  const watching: Encodable<string> = {
    encode(message, writer = new BinaryWriter()) {
      writers.add(writer);
      return writer.string(message);
    },
  };
  for (const length of [1, 100, 100_000, 1, 1]) encodeMessage(watching, "x".repeat(length));
  expect(writers.size).toBe(2);
});

test("bytes that are encoded do not hold a larger buffer", () => {
  const bytes = encodeMessage(User, User.fromPartial({ email: "x".repeat(300) }));
  expect(bytes.buffer.byteLength).toBe(bytes.byteLength);
});

test("a message that encodes another on its way is not disturbed by it", () => {
  const nesting: Encodable<null> = {
    encode(_, writer = new BinaryWriter()) {
      return writer.string("before").bytes(encodeMessage(User, small));
    },
  };
  const whole = new BinaryWriter().string("before").bytes(Uint8Array.from(expected)).finish();
  expect([...encodeMessage(nesting, null)]).toEqual([...whole]);
});
