import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createResponseStore, type Entry as EntryOf } from "./response-store.ts";

type Entry = EntryOf<never>;

const message = (bytes: number): Uint8Array => new Uint8Array(bytes);

describe("the budget", () => {
  test("is kept by letting the least recently used go", () => {
    const store = createResponseStore<never>(3 * (300 + 2 + 100));
    for (const key of ["a", "b", "c"]) store.store(store.open(key, [], 10), message(100));
    expect(store.find("a", 0)?.message).toBeDefined();
    store.store(store.open("d", [], 10), message(100));
    expect(["a", "b", "c", "d"].map((key) => store.find(key, 0)?.message !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
    expect(store.bytes).toBeLessThanOrEqual(3 * 402);
  });

  test("is not blown by one huge response, which also ends the life of its predecessor", () => {
    const store = createResponseStore<never>(10_000);
    store.store(store.open("a", ["t"], 10), message(10));
    store.store(store.open("b", ["t"], 10), message(10));
    store.store(store.open("a", ["t"], 10), message(20_000));
    expect([store.find("a", 0)?.message, store.entries]).toEqual([undefined, 1]);
    store.invalidate("t");
    expect([store.entries, store.bytes, store.tags]).toEqual([0, 0, 0]);
  });
});

test("a response that was being made when its tag was named is not kept", () => {
  const store = createResponseStore<never>(10_000);
  const entry = store.open("a", ["t"], 10);
  store.invalidate("t");
  store.store(entry, message(1));
  expect([store.find("a", 0)?.message, store.tags]).toEqual([undefined, 0]);
});

test("what is being made is found by its key until it is stored, given up or made stale, and holds its flight no longer", () => {
  const store = createResponseStore<string>(10_000);
  const [stored, abandoned, stale] = ["a", "b", "c"].map((name) => store.open(name, ["t"], 10));
  for (const entry of [stored, abandoned, stale]) {
    if (entry === undefined) throw new Error("nothing was opened");
    entry.flight = `to ${entry.key}`;
    expect(store.find(entry.key, 0)).toBe(entry);
  }
  if (stored !== undefined) store.store(stored, message(1));
  if (abandoned !== undefined) store.abandon(abandoned);
  expect(["a", "b", "c"].map((name) => store.find(name, 0))).toEqual([stored, undefined, stale]);
  expect([stored?.flight, abandoned?.flight, stale?.flight]).toEqual([undefined, undefined, "to c"]);
  store.invalidate("t");
  expect(["a", "b", "c"].map((name) => store.find(name, 0))).toEqual([undefined, undefined, undefined]);
  expect([store.entries, store.bytes, store.tags]).toEqual([0, 0, 0]);
});

test("of two that are being made for one key the later is found, and the end of the earlier leaves it in place", () => {
  const store = createResponseStore<never>(10_000);
  const early = store.open("a", ["t"], 10);
  const late = store.open("a", ["t"], 10);
  store.abandon(early);
  expect(store.find("a", 0)).toBe(late);
  store.store(late, message(1));
  store.invalidate("t");
  expect([store.find("a", 0), store.entries, store.tags]).toEqual([undefined, 0, 0]);
});

/** The model: what was stored last under each key and not made stale since. Time moves forward only. */
interface Stored {
  readonly entry: Entry;
  readonly content: Uint8Array;
}

const key = fc.constantFrom("a", "b", "c", "d");
const tags = fc.subarray(["x", "y", "z"]);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("open" as const),
      key,
      tags,
      ttl: fc.integer({ min: 0, max: 20 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("store" as const),
      pick: fc.nat(),
      bytes: fc.constantFrom(0, 10, 400, 5_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("abandon" as const), pick: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("invalidate" as const),
      tag: fc.constantFrom("x", "y", "z", "none"),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("get" as const), key }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 10 }) }),
  },
);

test("whatever is done, it serves nothing stale, expired or of another key, keeps its budget and forgets its tags", () => {
  const maxBytes = 2_000;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const store = createResponseStore<never>(maxBytes);
      const model = new Map<string, Stored>();
      const stale = new Set<Entry>();
      const ever: Entry[] = [];
      let open: Entry[] = [];
      let now = 0;
      const take = (pick: number): Entry | undefined => {
        const entry = open[pick % Math.max(1, open.length)];
        open = open.filter((other) => other !== entry);
        return entry;
      };
      for (const action of steps) {
        switch (action.kind) {
          case "open": {
            const entry = store.open(action.key, action.tags, now + action.ttl);
            open.push(entry);
            ever.push(entry);
            break;
          }
          case "store": {
            const entry = take(action.pick);
            if (entry === undefined) break;
            const content = message(action.bytes);
            store.store(entry, content);
            if (!stale.has(entry)) model.set(entry.key, { entry, content });
            break;
          }
          case "abandon": {
            const entry = take(action.pick);
            if (entry !== undefined) store.abandon(entry);
            break;
          }
          case "invalidate":
            for (const entry of ever) if (entry.tags.includes(action.tag)) stale.add(entry);
            store.invalidate(action.tag);
            break;
          case "get": {
            const served = store.find(action.key, now)?.message;
            if (served === undefined) break;
            const expected = model.get(action.key);
            expect(served).toBe(expected?.content);
            expect(expected !== undefined && stale.has(expected.entry)).toBe(false);
            expect(now).toBeLessThan(expected?.entry.expiresAt ?? 0);
            break;
          }
          case "wait":
            now += action.ms;
        }
        expect(store.bytes).toBeLessThanOrEqual(maxBytes);
      }
      for (const entry of open) store.abandon(entry);
      for (const name of ["a", "b", "c", "d"]) store.find(name, Number.POSITIVE_INFINITY);
      expect([store.entries, store.bytes, store.tags]).toEqual([0, 0, 0]);
    }),
    { numRuns: 500 },
  );
});

test("the model above would notice: something is served at all", () => {
  const store = createResponseStore<never>(2_000);
  const content = message(10);
  store.store(store.open("a", ["x"], 10), content);
  expect(store.find("a", 9)?.message).toBe(content);
  expect(store.find("a", 10)?.message).toBeUndefined();
});
