import fc from "fast-check";
import { expect, test } from "vitest";
import { HpackDecoder } from "./decoder.ts";
import { encodeHeaders, encodeInteger } from "./encoder.ts";
import { STATIC_TABLE } from "./static-table.ts";

const text = (minLength: number) =>
  fc
    .array(fc.integer({ min: 0, max: 255 }), { minLength, maxLength: 200 })
    .map((codes) => String.fromCharCode(...codes));
const field = fc.oneof(
  fc.record({ name: text(1), value: text(0) }),
  fc.constantFrom(...STATIC_TABLE),
  fc.record({ name: fc.constantFrom("authorization", ":path", "te"), value: text(0) }),
);

test("any fields come back from their block, which leaves the table alone", () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 20 }), (fields) => {
      const decoder = new HpackDecoder(4_096, 1_000_000);
      const block = encodeHeaders(fields);
      const decoded = decoder.decode(block, 0, block.length);
      expect(decoded.fields).toEqual(fields);
      expect(decoded.pure).toBe(true);
      expect(decoder.tableBytes).toBe(0);
    }),
  );
});

test("a credential is coded never-indexed", () => {
  const block = encodeHeaders([{ name: "authorization", value: "Bearer x" }]);
  expect((block[0] ?? 0) & 0xf0).toBe(0x10);
  expect(new HpackDecoder(4_096, 4_096).decode(block, 0, block.length).sensitive).toBe(true);
});

test.each([
  [10, 5, [0x0a]],
  [1337, 5, [0x1f, 0x9a, 0x0a]],
  [42, 8, [0x2a]],
])("integer %i with a prefix of %i bits is as in RFC 7541 C.1", (value, prefix, bytes) => {
  const out: number[] = [];
  encodeInteger(out, 0, prefix, value);
  expect(out).toEqual(bytes);
});

test("text beyond one byte a character is refused", () => {
  expect(() => encodeHeaders([{ name: "a", value: "€" }])).toThrow(RangeError);
});
