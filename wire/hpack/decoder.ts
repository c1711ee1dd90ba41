/**
 * Decodes header blocks, one connection direction each (RFC 7541). Every block must be decoded, also one for
 * a stream nobody reads any more, or the table drifts from the peer's. Knows nothing of what the fields mean.
 */
import { DynamicTable, fieldSize } from "./dynamic-table.ts";
import { hpackError } from "./hpack-error.ts";
import { decodeHuffman } from "./huffman.ts";
import { type HeaderField, STATIC_TABLE } from "./static-table.ts";

/** Longest integer accepted, in bytes after the prefix: 4 * 7 bits hold any length this library allows. */
const MAX_INTEGER_BYTES = 4;

export interface DecodedBlock {
  readonly fields: readonly HeaderField[];
  /** The block left the dynamic table as it was, so it decodes the same while the table does. */
  readonly pure: boolean;
  /** Some field was marked never-indexed: it should not be remembered. */
  readonly sensitive: boolean;
}

export class HpackDecoder {
  readonly #table: DynamicTable;
  readonly #maxTableBytes: number;
  readonly #maxListBytes: number;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;

  /**
   * `maxTableBytes`: the SETTINGS_HEADER_TABLE_SIZE announced to the peer (4,096 when none was).
   * `maxListBytes`: most bytes of one decoded block, counted as SETTINGS_MAX_HEADER_LIST_SIZE counts.
   */
  constructor(maxTableBytes: number, maxListBytes: number) {
    this.#table = new DynamicTable(maxTableBytes);
    this.#maxTableBytes = maxTableBytes;
    this.#maxListBytes = maxListBytes;
  }

  /** See DynamicTable.generation. */
  get generation(): number {
    return this.#table.generation;
  }

  /** Bytes the dynamic table holds now. */
  get tableBytes(): number {
    return this.#table.bytes;
  }

  /** Decodes the block in [start, end). Throws HpackError; the decoder is of no use after that. */
  decode(bytes: Buffer, start: number, end: number): DecodedBlock {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    const fields: HeaderField[] = [];
    let pure = true;
    let sensitive = false;
    let listBytes = 0;
    while (this.#at < end) {
      const first = bytes[this.#at] ?? 0;
      if ((first & 0xe0) === 0x20) {
        if (fields.length > 0) throw hpackError("table-size", "size update after a field");
        this.#resize();
        pure = false;
        continue;
      }
      let field: HeaderField;
      if (first >= 0x80) {
        field = this.#field(this.#integer(7));
      } else if (first >= 0x40) {
        field = this.#literal(6);
        this.#table.insert(field);
        pure = false;
      } else {
        sensitive ||= first >= 0x10;
        field = this.#literal(4);
      }
      listBytes += fieldSize(field.name, field.value);
      if (listBytes > this.#maxListBytes) {
        throw hpackError("list-too-large", `header list over ${this.#maxListBytes} bytes`);
      }
      fields.push(field);
    }
    return { fields, pure, sensitive };
  }

  #resize(): void {
    const size = this.#integer(5);
    if (size > this.#maxTableBytes) {
      throw hpackError("table-size", `table of ${size} bytes, at most ${this.#maxTableBytes} allowed`);
    }
    this.#table.resize(size);
  }

  #field(index: number): HeaderField {
    const found =
      index <= STATIC_TABLE.length
        ? STATIC_TABLE[index - 1]
        : this.#table.at(index - STATIC_TABLE.length - 1);
    if (found === undefined) throw hpackError("index", `no field at index ${index}`);
    return found;
  }

  #literal(prefixBits: number): HeaderField {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#string() : this.#field(index).name;
    return { name, value: this.#string() };
  }

  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let shift = 0, count = 0; ; shift += 7, count++) {
      if (count === MAX_INTEGER_BYTES) throw hpackError("integer", "integer too long");
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  #string(): string {
    if (this.#at >= this.#end) throw hpackError("truncated", "block ends before a string");
    const huffman = (this.#bytes[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    const start = this.#at;
    if (length > this.#end - start) throw hpackError("truncated", "string runs over the block");
    this.#at += length;
    return huffman
      ? decodeHuffman(this.#bytes, start, this.#at)
      : this.#bytes.toString("latin1", start, this.#at);
  }

  #byte(): number {
    if (this.#at >= this.#end) throw hpackError("truncated", "block ends inside a field");
    return this.#bytes[this.#at++] ?? 0;
  }
}
