// The memory of the response cache: bytes by key, found again by tag to be made stale, within a budget of bytes.
// Invariant: after `invalidate(tag)` returns, nothing that was read before it is served, whether it was stored or still on its way.
import { LRUCache } from "lru-cache";
import type { Message } from "#impl/runtime/message.ts";
import { TagIndex } from "./tag-index.ts";

/** A response that is stored, or being made. */
export interface Entry {
  readonly key: string;
  readonly tags: readonly string[];
  /** Monotonic milliseconds. */
  readonly expiresAt: number;
  /** Set once a write has named one of the tags: never served again. */
  stale: boolean;
  message: Message | undefined;
}

export interface ResponseStore {
  /** A stored response that is neither stale nor expired at `now`. */
  get(key: string, now: number): Message | undefined;
  /** Announces a response that is being made, so that writes can make it stale before it is there. */
  open(key: string, tags: readonly string[], expiresAt: number): Entry;
  /** Stores the response of an open entry, unless it has become stale. */
  store(entry: Entry, message: Message): void;
  /** Gives an open entry up. */
  abandon(entry: Entry): void;
  invalidate(tag: string): void;
  readonly bytes: number;
  readonly entries: number;
  /** Tags that are known: those of stored and open entries. */
  readonly tags: number;
}

/** What an entry costs beside its key and message. */
const ENTRY_OVERHEAD_BYTES = 300;

export function createResponseStore(maxBytes: number): ResponseStore {
  const byTag = new TagIndex<Entry>();
  const unlink = (entry: Entry): void => byTag.remove(entry.tags, entry);
  const stored = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    sizeCalculation: (entry) =>
      ENTRY_OVERHEAD_BYTES + 2 * entry.key.length + (entry.message?.byteLength ?? 0),
    dispose: unlink,
  });
  return {
    get(key, now) {
      const entry = stored.get(key);
      if (entry === undefined) return undefined;
      if (now < entry.expiresAt) return entry.message;
      stored.delete(key);
      return undefined;
    },
    open(key, tags, expiresAt) {
      const entry: Entry = { key, tags, expiresAt, stale: false, message: undefined };
      byTag.add(tags, entry);
      return entry;
    },
    store(entry, message) {
      if (entry.stale) return;
      entry.message = message;
      stored.set(entry.key, entry);
      // One that is larger than the whole budget is not kept, and lru-cache does not say so.
      if (stored.peek(entry.key) !== entry) unlink(entry);
    },
    abandon: unlink,
    invalidate(tag) {
      for (const entry of byTag.carriers(tag)) {
        entry.stale = true;
        if (stored.peek(entry.key) === entry) stored.delete(entry.key);
        unlink(entry);
      }
    },
    get bytes() {
      return stored.calculatedSize;
    },
    get entries() {
      return stored.size;
    },
    get tags() {
      return byTag.size;
    },
  };
}
