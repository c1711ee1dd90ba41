/**
 * The dynamic table of RFC 7541, 2.3.2: a ring of the newest fields, bounded in bytes.
 * `generation` changes whenever the contents change, so whoever remembers a decoded block can tell
 * whether it would decode the same today.
 */
import type { HeaderField } from "./static-table.ts";

/** What RFC 7541, 4.1 charges a field beyond its name and value. */
export const FIELD_OVERHEAD_BYTES = 32;

export function fieldSize(name: string, value: string): number {
  return name.length + value.length + FIELD_OVERHEAD_BYTES;
}

export class DynamicTable {
  /** Counts every insertion and eviction. */
  generation = 0;
  #maxBytes: number;
  #bytes = 0;
  /** Oldest first, with a moving head so that evicting is cheap. */
  #fields: HeaderField[] = [];
  #head = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#fields.length - this.#head;
  }

  /** Bytes in use, counted as the RFC counts them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The field `age` insertions ago; 0 is the newest. */
  at(age: number): HeaderField | undefined {
    return age < this.length ? this.#fields[this.#fields.length - 1 - age] : undefined;
  }

  /** A field larger than the whole table empties it and is not kept (RFC 7541, 4.4). */
  insert(field: HeaderField): void {
    const size = fieldSize(field.name, field.value);
    this.generation++;
    this.#evictTo(this.#maxBytes - size);
    if (size > this.#maxBytes) return;
    this.#fields.push(field);
    this.#bytes += size;
  }

  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  #evictTo(bytes: number): void {
    while (this.#bytes > bytes && this.length > 0) {
      const oldest = this.#fields[this.#head++];
      if (oldest !== undefined) this.#bytes -= fieldSize(oldest.name, oldest.value);
      this.generation++;
    }
    if (this.#head > 64 && this.#head * 2 > this.#fields.length) {
      this.#fields = this.#fields.slice(this.#head);
      this.#head = 0;
    }
  }
}
