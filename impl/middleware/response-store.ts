// The memory of the response cache: one object for each response, from the miss that makes it until it goes, found by key, and by tag to be
// made stale, within a budget of bytes.
// Invariant: after `invalidate(tag)` returns, nothing that was read before it is served, whether it was stored or still on its way.
import type { Message } from "#impl/runtime/message.ts";
import { type Listed, RecencyList } from "./recency-list.ts";
import { TagIndex } from "./tag-index.ts";

/** A response that is stored, or being made. `Flight` is what its maker tells those who may wait for it. */
export interface Entry<Flight> extends Listed<Entry<Flight>> {
  readonly key: string;
  readonly tags: readonly string[];
  /** Monotonic milliseconds. */
  readonly expiresAt: number;
  /** Undefined while it is being made. */
  message: Message | undefined;
  /** Set by its maker, and let go with the end of the making. */
  flight: Flight | undefined;
  /** Set once a write has named one of the tags: never served again. */
  stale: boolean;
  /** What it takes of the budget, once it is stored. */
  bytes: number;
}

export interface ResponseStore<Flight> {
  /** The latest response of a key, stored or being made, that is not stale; a stored one has not expired at `now`. */
  find(key: string, now: number): Entry<Flight> | undefined;
  /** Announces a response that is being made, so that writes can make it stale before it is there. Takes the place of an older one. */
  open(key: string, tags: readonly string[], expiresAt: number): Entry<Flight>;
  /** Stores the response of an open entry, unless it has become stale. */
  store(entry: Entry<Flight>, message: Message): void;
  /** Gives an open entry up. */
  abandon(entry: Entry<Flight>): void;
  invalidate(tag: string): void;
  /** Of stored responses. */
  readonly bytes: number;
  /** Stored responses. */
  readonly entries: number;
  /** Tags that are known: those of stored and open entries. */
  readonly tags: number;
}

/** What an entry costs beside its key and message. */
const ENTRY_OVERHEAD_BYTES = 300;

export function createResponseStore<Flight>(maxBytes: number): ResponseStore<Flight> {
  type Item = Entry<Flight>;
  const byKey = new Map<string, Item>();
  const byTag = new TagIndex<Item>();
  const stored = new RecencyList<Item>();
  let storedBytes = 0;

  const release = (entry: Item): void => {
    byTag.remove(entry.tags, entry);
    if (byKey.get(entry.key) === entry) byKey.delete(entry.key);
    if (entry.message === undefined) return;
    entry.message = undefined;
    storedBytes -= entry.bytes;
    stored.remove(entry);
  };
  /** One that is being made goes on without its place: it may still become the latest. */
  const takePlace = (entry: Item): void => {
    const before = byKey.get(entry.key);
    if (before === entry) return;
    if (before?.message !== undefined) release(before);
    byKey.set(entry.key, entry);
  };
  return {
    find(key, now) {
      const entry = byKey.get(key);
      if (entry?.message === undefined) return entry;
      if (now < entry.expiresAt) {
        stored.touch(entry);
        return entry;
      }
      release(entry);
      return undefined;
    },
    open(key, tags, expiresAt) {
      const entry: Item = {
        key,
        tags,
        expiresAt,
        message: undefined,
        flight: undefined,
        stale: false,
        bytes: 0,
        newer: undefined,
        older: undefined,
      };
      byTag.add(tags, entry);
      takePlace(entry);
      return entry;
    },
    store(entry, message) {
      entry.flight = undefined;
      if (entry.stale) return;
      takePlace(entry);
      const bytes = ENTRY_OVERHEAD_BYTES + 2 * entry.key.length + message.byteLength;
      if (bytes > maxBytes) {
        release(entry);
        return;
      }
      entry.message = message;
      entry.bytes = bytes;
      storedBytes += bytes;
      stored.add(entry);
      while (storedBytes > maxBytes && stored.oldest !== undefined) release(stored.oldest);
    },
    abandon(entry) {
      entry.flight = undefined;
      release(entry);
    },
    invalidate(tag) {
      for (const entry of byTag.carriers(tag)) {
        entry.stale = true;
        release(entry);
      }
    },
    get bytes() {
      return storedBytes;
    },
    get entries() {
      return stored.size;
    },
    get tags() {
      return byTag.size;
    },
  };
}
