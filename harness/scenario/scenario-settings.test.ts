import { join } from "node:path";
import { expect, test } from "vitest";
import { commandOf, readScenarioSettings } from "./scenario-settings.ts";

const FOLDER = join(import.meta.dirname, "../../scenarios");
const read = (environment: Record<string, string>) => readScenarioSettings(environment, FOLDER, () => 7);

test("without anything all claims are tried once with a new seed; with a time, until it is over", () => {
  expect(read({})).toEqual({ suite: undefined, seed: 7, effort: 1, timeMs: undefined });
  expect(read({ TIME: "2m" })).toMatchObject({ effort: undefined, timeMs: 120_000 });
  expect(read({ TIME: "30s", EFFORT: "4" })).toMatchObject({ effort: 4, timeMs: 30_000 });
});

test.each([
  [{ SUITE: "none" }, /SUITE=none: must be a file or one of .*contract/],
  [{ SEED: "-1" }, /SEED=-1: must be a whole number from 0/],
  [{ EFFORT: "0" }, /EFFORT=0: must be a whole number from 1/],
  [{ TIME: "10" }, /TIME=10: must be a time such as 30s/],
] as const)("a value that breaks its rule is named: %o", (environment, message) => {
  expect(() => read(environment)).toThrow(message);
});

test("a run is repeated by its command", () => {
  const { suite: _, ...all } = read({ SEED: "3" });
  expect(commandOf({ suite: undefined, ...all })).toBe("make scenarios SEED=3");
  const some = { SUITE: "property", SEED: "3", EFFORT: "2", TIME: "1m" };
  expect(commandOf(read(some))).toBe("make scenarios SUITE=property SEED=3 EFFORT=2 TIME=60s");
});
