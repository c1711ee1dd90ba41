/**
 * The Huffman code of RFC 7541, appendix B, and its decoder.
 * The code is canonical, so the bit lengths alone define it; the decoder walks a table of
 * [tree node][next 4 bits]. No code is shorter than 5 bits, so four bits end at most one symbol.
 */
import { hpackError } from "./hpack-error.ts";

const EOS = 256;

/** Bits in the code of each byte value; the last is EOS. */
const LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

/** The code of each symbol, right-aligned, with its length in bits. Position 256 is EOS. */
export const HUFFMAN_CODES: readonly { readonly code: number; readonly bits: number }[] = canonicalCodes();

function canonicalCodes(): { code: number; bits: number }[] {
  const symbols = LENGTHS.map((bits, symbol) => ({ symbol, bits })).sort(
    (a, b) => a.bits - b.bits || a.symbol - b.symbol,
  );
  const codes = LENGTHS.map((bits) => ({ code: 0, bits }));
  let code = 0;
  let previousBits = 0;
  for (const { symbol, bits } of symbols) {
    code = previousBits === 0 ? 0 : (code + 1) * 2 ** (bits - previousBits);
    codes[symbol] = { code, bits };
    previousBits = bits;
  }
  return codes;
}

/** Children of each inner node: >= 0 another inner node, < 0 the symbol -(value + 1). */
function tree(): [number, number][] {
  const nodes: [number, number][] = [[0, 0]];
  for (const [symbol, { code, bits }] of HUFFMAN_CODES.entries()) {
    let at = 0;
    for (let bit = bits - 1; bit >= 0; bit--) {
      const side = Math.floor(code / 2 ** bit) % 2 === 0 ? 0 : 1;
      const node = nodes[at];
      if (node === undefined) throw new RangeError(`huffman node ${at} is missing`);
      if (bit === 0) {
        node[side] = -symbol - 1;
      } else {
        if (node[side] === 0) node[side] = nodes.push([0, 0]) - 1;
        at = node[side];
      }
    }
  }
  return nodes;
}

const NO_SYMBOL = 0xffff;
const NEXT: Int16Array = new Int16Array(256 * 16);
const EMIT: Uint16Array = new Uint16Array(256 * 16).fill(NO_SYMBOL);
/** 1 where a string may end: at the root, or within seven one-bits of it (a prefix of EOS). */
const MAY_END: Uint8Array = new Uint8Array(256);
fillTables();

function fillTables(): void {
  const nodes = tree();
  for (let node = 0; node < nodes.length; node++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      let at = node;
      for (let bit = 3; bit >= 0; bit--) {
        at = nodes[at]?.[(nibble >> bit) & 1] ?? 0;
        if (at < 0) {
          EMIT[node * 16 + nibble] = -at - 1;
          at = 0;
        }
      }
      NEXT[node * 16 + nibble] = at;
    }
  }
  for (let at = 0, ones = 0; ones < 8; ones++) {
    MAY_END[at] = 1;
    at = nodes[at]?.[1] ?? 0;
  }
}

/** Bytes an encoded string can expand to at most: the shortest code has 5 bits. */
function decodedBound(encodedBytes: number): number {
  return Math.floor((encodedBytes * 8) / 5);
}

/**
 * The string encoded in [start, end), one character a byte (latin1).
 * Throws HpackError when the padding is not a prefix of EOS, or EOS itself is coded.
 */
export function decodeHuffman(bytes: Buffer, start: number, end: number): string {
  const out = Buffer.allocUnsafe(decodedBound(end - start));
  let length = 0;
  let node = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    for (let shift = 4; shift >= 0; shift -= 4) {
      const cell = node * 16 + ((byte >> shift) & 15);
      const symbol = EMIT[cell] ?? NO_SYMBOL;
      if (symbol !== NO_SYMBOL) {
        if (symbol === EOS) throw hpackError("huffman", "EOS inside a string");
        out[length++] = symbol;
      }
      node = NEXT[cell] ?? 0;
    }
  }
  if (MAY_END[node] !== 1) throw hpackError("huffman", "padding is not a prefix of EOS");
  return out.toString("latin1", 0, length);
}
