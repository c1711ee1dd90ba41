import fc from "fast-check";
import { expect, test } from "vitest";
import { BlockCache } from "./block-cache.ts";
import { HpackDecoder } from "./decoder.ts";
import type { HeaderField } from "./static-table.ts";

const same = (fields: readonly HeaderField[]) => fields;
const newCache = () => new BlockCache(new HpackDecoder(150, 65_536), same);

/** A small alphabet, so that blocks repeat while the table under them changes and evicts. */
const INSTRUCTIONS = [
  "82",
  "88",
  "be",
  "bf",
  "c0",
  "4001610162",
  "4001610163",
  "40026161026262",
  "0001610162",
  "1001610162",
];
const block = fc
  .tuple(
    fc.constantFrom("", "20", "3f7701", "3f57"),
    fc.array(fc.constantFrom(...INSTRUCTIONS), { minLength: 1, maxLength: 4 }),
  )
  .map(([update, parts]) => Buffer.from(update + parts.join(""), "hex"));

function attempt(read: () => readonly HeaderField[]): readonly HeaderField[] | string {
  try {
    return read();
  } catch (error) {
    return String(error);
  }
}

test("whatever comes before, the cache answers as decoding would", () => {
  fc.assert(
    fc.property(fc.array(block, { maxLength: 60 }), (blocks) => {
      const cache = newCache();
      const plain = new HpackDecoder(150, 65_536);
      for (const bytes of blocks) {
        const expected = attempt(() => plain.decode(bytes, 0, bytes.length).fields);
        expect(attempt(() => cache.read(bytes, 0, bytes.length))).toEqual(expected);
        if (typeof expected === "string") return; // A failed decoder is never used again.
      }
    }),
    { numRuns: 500 },
  );
});

test("a block of indexes is decoded once, and anew after the table changed under it", () => {
  const cache = newCache();
  const read = (text: string) => cache.read(Buffer.from(text, "hex"), 0, text.length / 2);
  read("4001610162");
  const first = read("88be");
  expect(read("88be")).toBe(first);
  expect(cache.hits).toBe(1);
  read("4001610163");
  expect(read("88be").at(1)).toEqual({ name: "a", value: "c" });
  expect(cache.hits).toBe(1);
});

test("a block that inserts is decoded each time, for the table's sake", () => {
  const cache = newCache();
  const read = (text: string) => cache.read(Buffer.from(text, "hex"), 0, text.length / 2);
  read("4001610162");
  read("4001610162");
  expect(read("bebf")).toEqual([
    { name: "a", value: "b" },
    { name: "a", value: "b" },
  ]);
  expect(cache.hits).toBe(0);
});

test("a never-indexed field is not remembered", () => {
  const cache = newCache();
  const bytes = Buffer.from("1001610162", "hex");
  cache.read(bytes, 0, bytes.length);
  cache.read(bytes, 0, bytes.length);
  expect(cache.hits).toBe(0);
});
