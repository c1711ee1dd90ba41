import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repositoryRoot } from "#harness/sut/start-system.ts";
import { PLANTED_DEFECTS } from "./planted-defects.ts";
import { planted } from "./planted-tree.ts";

test.each(PLANTED_DEFECTS)("$name can still be planted", ({ replacements }) => {
  for (const replacement of replacements) {
    const source = readFileSync(join(repositoryRoot, replacement.file), "utf8");
    expect(planted(source, replacement)).toContain(replacement.to);
  }
});

test("a text that is gone, or stands there twice, is refused", () => {
  const replacement = { file: "a.ts", from: "x", to: "$&" };
  expect(planted("a x b", replacement)).toBe("a $& b");
  expect(() => planted("a b", replacement)).toThrow('a.ts: "x" must stand there once');
  expect(() => planted("x x", replacement)).toThrow("does 2 times");
});
