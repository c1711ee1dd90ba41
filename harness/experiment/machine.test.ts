import { describe, expect, it } from "vitest";
import { parseQuota, parseSteal, parseWaited, readMachine, readPressure } from "./machine.ts";
import { spinCanary } from "./spin-canary.ts";

describe("the machine's fingerprint", () => {
  it("reads a control group's quota, steal and pressure as the kernel writes them", () => {
    expect(parseQuota("150000 100000\n")).toBe(1.5);
    expect(parseQuota("max 100000\n")).toBeNull();
    expect(parseSteal("cpu  10 20 30 40 50 60 70 80 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n")).toBe(800);
    expect(
      parseWaited("some avg10=0.00 avg60=0.00 avg300=0.00 total=123000\nfull avg10=0.00 total=0\n"),
    ).toBe(123);
  });

  it("is null, not zero, where a file is missing", () => {
    expect([parseQuota(undefined), parseSteal(undefined), parseWaited(undefined)]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it("is readable on this machine", async () => {
    const machine = await readMachine();
    expect(machine.cores).toBeGreaterThan(0);
    expect(machine.kernel).not.toBe("");
    expect((await readPressure()).load).toBeGreaterThanOrEqual(0);
    expect(spinCanary(5)).toBeGreaterThan(0);
  });
});
