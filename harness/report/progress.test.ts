import { expect, it } from "vitest";
import { createProgress } from "./progress.ts";

it("says step, share and time left, a line a step where there is no terminal", () => {
  const written: string[] = [];
  const progress = createProgress({ write: (text) => written.push(text) }, 90, () => 30);
  progress.step("hot reads over loopback", 1, 4);
  progress.step("hot reads over loopback", 1, 4);
  progress.step("search pages", 2, 4);
  progress.step("block 1", 3, 4, 15);
  progress.end();
  expect(written).toHaveLength(3);
  expect(written[2]).toContain("3/4 block 1 · 0:30 of about 0:45, 0:15 left");
  expect(written[0]).toContain("1/4 hot reads over loopback · 0:30 of about 1:30, 1:00 left");
});

it("rewrites its line on a terminal and clears it at the end", () => {
  const written: string[] = [];
  const progress = createProgress({ isTTY: true, write: (text) => written.push(text) }, 10, () => 20);
  progress.step("late", 1, 1);
  progress.end();
  expect(written[0]?.startsWith("\r\u001b[K")).toBe(true);
  expect(written[0]).toContain("0:20 of about 0:20, 0:00 left");
  expect(written[1]).toBe("\r\u001b[K");
});
