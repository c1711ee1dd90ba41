import { expect, test } from "vitest";
import { SHOP_FAULTS } from "./chaos/shop-faults.ts";
import { readChaosSettings } from "./chaos-settings.ts";

test("without anything it is kills of the shop", () => {
  expect(readChaosSettings({})).toEqual({ kind: "kills", target: "shop", kills: 20, seed: 1 });
  expect(readChaosSettings({ TARGET: "postgres", KILLS: "3", SEED: "9" })).toEqual({
    kind: "kills",
    target: "postgres",
    kills: 3,
    seed: 9,
  });
});

test("a time or faults ask for faults", () => {
  expect(readChaosSettings({ TIME: "10m" })).toEqual({
    kind: "faults",
    faults: SHOP_FAULTS,
    durationMs: 600_000,
    seed: 1,
  });
  expect(readChaosSettings({ FAULTS: "all" })).toMatchObject({ kind: "faults", faults: SHOP_FAULTS });
  expect(readChaosSettings({ FAULTS: "kill, kill-database", SEED: "4" })).toEqual({
    kind: "faults",
    faults: ["kill", "kill-database"],
    durationMs: 60_000,
    seed: 4,
  });
});

test.each([
  [{ TARGET: "disk" }, "TARGET=disk: must be shop or postgres"],
  [{ KILLS: "0" }, "KILLS=0: must be a whole number from 1"],
  [{ SEED: "x" }, "SEED=x: must be a whole number from 0"],
  [{ TIME: "10" }, "TIME=10: must be a time with its unit, such as 90s or 10m"],
  [{ TIME: "soon" }, "TIME=soon: must be a time with its unit, such as 90s or 10m"],
  [{ TIME: "2s" }, "TIME=2s: must be at least 3 s"],
  [{ FAULTS: "kill,kil" }, 'FAULTS=kill,kil: "kil" is none of '],
  [{ FAULTS: "kill,kill" }, "FAULTS=kill,kill: kill must be named once"],
  [{ TIME: "1m", KILLS: "3" }, "KILLS=3: is for kills alone"],
  [{ FAULTS: "kill", TARGET: "shop" }, "TARGET=shop: is for kills alone"],
])("%o is refused", (environment, message) => {
  expect(() => readChaosSettings(environment)).toThrow(message);
});
