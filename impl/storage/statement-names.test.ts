import { expect, test } from "vitest";
import { statementNames } from "./statement-names.ts";

test("a text gets its name at the second use and keeps it", () => {
  const { nameOf } = statementNames(10);
  expect([nameOf("a"), nameOf("b"), nameOf("a"), nameOf("a"), nameOf("b")]).toEqual([
    undefined,
    undefined,
    "s1",
    "s1",
    "s2",
  ]);
});

test("only so many texts get a name, and those keep theirs", () => {
  const { nameOf } = statementNames(1);
  for (const text of ["a", "a", "b", "b", "b"]) nameOf(text);
  expect([nameOf("a"), nameOf("b")]).toEqual(["s1", undefined]);
});

test("a thousand texts used once do not stop a later one from getting a name", () => {
  const { nameOf } = statementNames(1);
  for (let n = 0; n < 5000; n++) nameOf(`once ${n}`);
  nameOf("often");
  expect(nameOf("often")).toBe("s1");
});

test("a renewed text gets a name that no connection knows yet", () => {
  const { nameOf, renew } = statementNames(10);
  nameOf("a");
  nameOf("a");
  renew("a");
  renew("never seen");
  expect(nameOf("a")).toBe("s2");
});

test("a limit of 0 names nothing", () => {
  const { nameOf } = statementNames(0);
  expect([nameOf("a"), nameOf("a")]).toEqual([undefined, undefined]);
});
