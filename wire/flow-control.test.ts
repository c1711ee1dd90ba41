import fc from "fast-check";
import { expect, test } from "vitest";
import { ReceiveWindow, SendWindow } from "./flow-control.ts";

test("a send window grows to 2^31 - 1 and not a byte further", () => {
  const window = new SendWindow(65_535);
  expect(window.grow(2 ** 31 - 1 - 65_535)).toBe(true);
  expect(window.grow(1)).toBe(false);
});

test("a peer that keeps to its grants is never refused, and never starved", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 50 }),
      (size, wishes) => {
        const window = new ReceiveWindow(size);
        let granted = size;
        for (const wish of wishes) {
          const bytes = Math.min(wish, granted);
          expect(bytes).toBeGreaterThan(0);
          expect(window.take(bytes)).toBe(true);
          granted += window.release(bytes) - bytes;
        }
        expect(window.take(granted)).toBe(true);
        expect(window.take(1)).toBe(false);
      },
    ),
  );
});
