// Which items carry a tag. Most tags, such as that of one product, are carried by one item only, which costs no set.

export class TagIndex<T extends object> {
  readonly #items = new Map<string, T | Set<T>>();

  /** Tags that some item carries. */
  get size(): number {
    return this.#items.size;
  }

  add(tags: readonly string[], item: T): void {
    for (const tag of tags) {
      const known = this.#items.get(tag);
      if (known === undefined) this.#items.set(tag, item);
      else if (known instanceof Set) known.add(item);
      else this.#items.set(tag, new Set([known, item]));
    }
  }

  /** Without effect for tags that the item does not carry. */
  remove(tags: readonly string[], item: T): void {
    for (const tag of tags) {
      const known = this.#items.get(tag);
      if (known === item) this.#items.delete(tag);
      else if (known instanceof Set && known.delete(item) && known.size === 0) this.#items.delete(tag);
    }
  }

  /** A copy, so that the index may change while it is walked. */
  carriers(tag: string): readonly T[] {
    const known = this.#items.get(tag);
    if (known === undefined) return [];
    return known instanceof Set ? [...known] : [known];
  }
}
