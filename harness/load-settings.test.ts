import { expect, test } from "vitest";
import { commandOf, readLoadSettings } from "./load-settings.ts";

test("the command repeats what was asked for, and no more", () => {
  expect(commandOf(readLoadSettings({ SCRIPT: "mix, load/soak.ts" }), { RATE: "30" })).toBe(
    "make load SCRIPT=mix,soak SEED=1 RATE=30",
  );
  const elsewhere = readLoadSettings({
    ADDRESS: "h:1",
    SHOP: "shop.json",
    ENGINE: "k6",
    SCRIPT: "chat",
    SEED: "2",
  });
  expect(commandOf(elsewhere, {})).toBe("make load SCRIPT=chat ENGINE=k6 ADDRESS=h:1 SHOP=shop.json SEED=2");
});

test.each([
  [{ ADDRESS: "h:1" }, "ADDRESS=h:1: needs SHOP"],
  [{ ENGINE: "jmeter" }, "ENGINE=jmeter: must be k6 or built-in"],
  [{ SCRIPT: "none" }, "SCRIPT=none: must be some of"],
])("%o is refused", (environment, message) => {
  expect(() => readLoadSettings(environment)).toThrow(message);
});
