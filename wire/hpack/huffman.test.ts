import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeHuffman, HUFFMAN_CODES } from "./huffman.ts";

/** The plainest encoder there is: bits as text, padded with ones. */
function encode(bytes: Uint8Array): Buffer {
  let bits = "";
  for (const byte of bytes) {
    const { code, bits: length } = HUFFMAN_CODES[byte] ?? { code: 0, bits: 0 };
    bits += code.toString(2).padStart(length, "0");
  }
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  return Buffer.from(
    Array.from({ length: bits.length / 8 }, (_, at) => Number.parseInt(bits.slice(at * 8, at * 8 + 8), 2)),
  );
}

test.each([
  [0x00, 0x1ff8, 13],
  [0x20, 0x14, 6],
  [0x30, 0x0, 5],
  [0x41, 0x21, 6],
  [0x7f, 0xffffffc, 28],
  [0xff, 0x3ffffee, 26],
  [0x100, 0x3fffffff, 30],
])("symbol %i has the code of appendix B", (symbol, code, bits) => {
  expect(HUFFMAN_CODES[symbol]).toEqual({ code, bits });
});

test("any bytes come back from their code", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const coded = encode(bytes);
      expect(decodeHuffman(coded, 0, coded.length)).toBe(Buffer.from(bytes).toString("latin1"));
    }),
  );
});
