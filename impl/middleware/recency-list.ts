// Items in the order of their last use. The links are fields of the items themselves, so that neither use nor change allocates anything.

/** Belongs to at most one list at a time. */
export interface Listed<T> {
  newer: T | undefined;
  older: T | undefined;
}

export class RecencyList<T extends Listed<T>> {
  #newest: T | undefined = undefined;
  #oldest: T | undefined = undefined;
  #size = 0;

  get oldest(): T | undefined {
    return this.#oldest;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds an item that is not in the list, as the newest. */
  add(item: T): void {
    item.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = item;
    else this.#newest.newer = item;
    this.#newest = item;
    this.#size += 1;
  }

  /** Takes an item of the list out of it. */
  remove(item: T): void {
    const { newer, older } = item;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    // An item that has gone holds no other, however long somebody holds it.
    item.newer = undefined;
    item.older = undefined;
    this.#size -= 1;
  }

  /** Makes an item of the list the newest. */
  touch(item: T): void {
    if (item === this.#newest) return;
    this.remove(item);
    this.add(item);
  }
}
