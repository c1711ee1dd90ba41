import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { commandOf, readSettings } from "./report-settings.ts";

describe("the settings of a report", () => {
  it("are a full run of the synthetic shop by default, with a stated seed", () => {
    const settings = readSettings({});
    expect(settings).toEqual({
      dataFolder: undefined,
      full: false,
      quick: false,
      seed: 1,
      restarts: undefined,
    });
    expect(commandOf(settings)).toBe("make report SEED=1");
  });

  it("give back the command that repeats the run", () => {
    const settings = readSettings({ DATA: tmpdir(), FULL: "1", QUICK: "1", SEED: "42", RESTARTS: "3" });
    expect(commandOf(settings)).toBe(`make report DATA=${tmpdir()} FULL=1 QUICK=1 SEED=42 RESTARTS=3`);
  });

  it.each([
    [{ DATA: "/nowhere/at/all" }, /DATA=\/nowhere\/at\/all: there is no such folder/],
    [{ FULL: "all" }, /FULL=all: must be 1 or 0/],
    [{ QUICK: "yes" }, /QUICK=yes: must be 1 or 0/],
    [{ SEED: "1.5" }, /SEED=1.5: must be a whole number/],
    [{ RESTARTS: "many" }, /RESTARTS=many: must be a whole number/],
  ])("refuse %o", (environment, message) => {
    expect(() => readSettings(environment)).toThrow(message);
  });
});
