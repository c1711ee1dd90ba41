/**
 * Remembers what recently seen header blocks meant, so that a repeated block costs one comparison.
 *
 * Invariant: an answer is what decoding the same bytes now would give. A block is kept only when decoding it
 * changed nothing in the dynamic table (no insertion, no size update); its meaning is then a pure function of its
 * bytes and the table, and it is answered only while the table's generation is the one it was decoded under.
 * Skipping such a decode skips no side effect. Never-indexed fields are not kept.
 */
import type { HpackDecoder } from "./decoder.ts";
import type { HeaderField } from "./static-table.ts";

/** A direct-mapped cache: this many blocks, each of at most this many bytes. */
const SLOTS = 64;
const MAX_BLOCK_BYTES = 512;

interface Entry<Meaning> {
  readonly bytes: Buffer;
  readonly generation: number;
  readonly meaning: Meaning;
}

export class BlockCache<Meaning> {
  readonly #decoder: HpackDecoder;
  readonly #interpret: (fields: readonly HeaderField[]) => Meaning;
  readonly #slots: (Entry<Meaning> | undefined)[] = new Array<Entry<Meaning> | undefined>(SLOTS).fill(
    undefined,
  );
  /** Blocks answered without decoding. */
  hits = 0;

  /** `interpret` must be pure: its result is shared by every block with the same bytes. */
  constructor(decoder: HpackDecoder, interpret: (fields: readonly HeaderField[]) => Meaning) {
    this.#decoder = decoder;
    this.#interpret = interpret;
  }

  /** The meaning of the block in [start, end). Throws HpackError. */
  read(bytes: Buffer, start: number, end: number): Meaning {
    const slot = hash(bytes, start, end) % SLOTS;
    const entry = this.#slots[slot];
    if (
      entry !== undefined &&
      entry.generation === this.#decoder.generation &&
      sameBytes(entry.bytes, bytes, start, end)
    ) {
      this.hits++;
      return entry.meaning;
    }
    const { fields, pure, sensitive } = this.#decoder.decode(bytes, start, end);
    const meaning = this.#interpret(fields);
    if (pure && !sensitive && end - start <= MAX_BLOCK_BYTES) {
      const copy = Buffer.from(bytes.subarray(start, end));
      this.#slots[slot] = { bytes: copy, generation: this.#decoder.generation, meaning };
    }
    return meaning;
  }
}

function sameBytes(kept: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (kept.length !== end - start) return false;
  for (let at = 0; at < kept.length; at++) {
    if (kept[at] !== bytes[start + at]) return false;
  }
  return true;
}

/** FNV-1a over at most the first 64 bytes and the length; collisions only cost a decode. */
function hash(bytes: Buffer, start: number, end: number): number {
  let value = 0x811c9dc5 ^ (end - start);
  const stop = Math.min(end, start + 64);
  for (let at = start; at < stop; at++) value = Math.imul(value ^ (bytes[at] ?? 0), 0x01000193);
  return (value ^ (value >>> 15)) >>> 0;
}
