import fc from "fast-check";
import { expect, test } from "vitest";
import { type Listed, RecencyList } from "./recency-list.ts";

interface Item extends Listed<Item> {
  readonly name: number;
}

/** From the oldest to the newest, read by taking them out. */
function drain(list: RecencyList<Item>): number[] {
  const names: number[] = [];
  for (let item = list.oldest; item !== undefined; item = list.oldest) {
    list.remove(item);
    names.push(item.name);
  }
  return names;
}

const step = fc.record({
  what: fc.constantFrom(...(["add", "remove", "touch"] as const)),
  name: fc.nat({ max: 4 }),
});

test("items leave in the order of their last use, whatever was done to them", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const list = new RecencyList<Item>();
      const items = [0, 1, 2, 3, 4].map((name): Item => ({ name, newer: undefined, older: undefined }));
      let model: number[] = [];
      for (const { what, name } of steps) {
        const item = items[name];
        if (item === undefined || model.includes(name) === (what === "add")) continue;
        list[what](item);
        model = model.filter((other) => other !== name);
        if (what !== "remove") model.push(name);
        expect([list.size, list.oldest?.name]).toEqual([model.length, model[0]]);
      }
      expect(drain(list)).toEqual(model);
      expect(items.every(({ newer, older }) => newer === undefined && older === undefined)).toBe(true);
    }),
    { numRuns: 200 },
  );
});
