import { describe, expect, it } from "vitest";
import { holmRejections } from "./holm.ts";

describe("holm's procedure", () => {
  it("compares the smallest p-value with alpha over all, the next with alpha over one fewer, and stops at the first failure", () => {
    // 0.01 <= 0.05/4, 0.015 <= 0.05/3, 0.03 > 0.05/2, so 0.04 is not even looked at.
    expect(holmRejections([0.03, 0.01, 0.04, 0.015])).toEqual([false, true, false, true]);
  });

  it("rejects nothing where the smallest p-value fails", () => {
    expect(holmRejections([0.03, 0.04])).toEqual([false, false]);
    expect(holmRejections([])).toEqual([]);
  });
});
