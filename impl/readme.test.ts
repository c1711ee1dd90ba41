// The README and the page of the client show code that exists: each TypeScript block stands, up to its indentation, in the file that the comment above it names.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
const unindented = (code: string): string => code.replace(/^ +/gm, "").trim();

const readme = read("README.md");
const shown = readme + read("docs/client.md");
const snippets = [...shown.matchAll(/<!-- from (\S+) -->\n```ts\n(.*?)```/gs)];

test("every snippet of the README stands in the file it is from", () => {
  expect(snippets.length).toBeGreaterThan(0);
  for (const [, file = "", code = ""] of snippets) expect(unindented(read(file))).toContain(unindented(code));
});

test("every snippet says where it is from", () => {
  expect(shown.match(/```ts/g)?.length).toBe(snippets.length);
});

test("every target of make that the README names exists", () => {
  const makefile = read("Makefile");
  for (const [, target] of readme.matchAll(/^make ([a-z-]+)/gm))
    expect(makefile).toMatch(new RegExp(`^${target}:`, "m"));
});
