/**
 * Encodes header fields without ever touching a dynamic table: static indexes and literals only. So a block
 * is valid on every connection, at any time, and can be encoded once and sent a million times.
 */
import { type HeaderField, staticFieldIndex, staticNameIndex } from "./static-table.ts";

const LITERAL = 0x00;
/** Literal never indexed: an intermediary must not store it either (RFC 7541, 7.1.3). */
const NEVER_INDEXED = 0x10;
const INDEXED = 0x80;

/** Fields whose values are credentials, always coded never-indexed. */
const SENSITIVE = new Set(["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"]);

/** "Dynamic table size is now 0": owed to a peer that lowered SETTINGS_HEADER_TABLE_SIZE (RFC 7541, 4.2). */
export const TABLE_SIZE_ZERO = 0x20;

/** The block of these fields, in their order. Names must be lowercase; characters must be below U+0100. */
export function encodeHeaders(fields: Iterable<HeaderField>): Buffer {
  const out: number[] = [];
  for (const { name, value } of fields) {
    const exact = staticFieldIndex(name, value);
    if (exact !== 0) {
      encodeInteger(out, INDEXED, 7, exact);
      continue;
    }
    const nameIndex = staticNameIndex(name);
    encodeInteger(out, SENSITIVE.has(name) ? NEVER_INDEXED : LITERAL, 4, nameIndex);
    if (nameIndex === 0) encodeString(out, name);
    encodeString(out, value);
  }
  return Buffer.from(out);
}

/** Appends `value` with the given bits above an N-bit prefix (RFC 7541, 5.1). */
export function encodeInteger(out: number[], highBits: number, prefixBits: number, value: number): void {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) {
    out.push(highBits | value);
    return;
  }
  out.push(highBits | mask);
  let rest = value - mask;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80);
  out.push(rest);
}

function encodeString(out: number[], text: string): void {
  encodeInteger(out, 0, 7, text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff)
      throw new RangeError(`header text has a character above U+00FF: ${JSON.stringify(text)}`);
    out.push(code);
  }
}
