import { describe, expect, it } from "vitest";
import { sampleRecord } from "./testing/sample-record.ts";
import { warningsOf } from "./warnings.ts";

describe("warnings", () => {
  it("are none on a quiet machine", () => {
    expect(warningsOf(sampleRecord())).toEqual([]);
  });

  it("tell of a busy, stolen, drifting or shared machine, with the numbers", () => {
    const record = sampleRecord();
    const environment = {
      ...record.environment,
      loadBefore: 3,
      stealShare: 0.08,
      pinning: "not pinned: 1 core",
    };
    const restarts = record.restarts.map((restart, i) =>
      i === 0 ? { ...restart, canaryAfter: 200 } : restart,
    );
    const found = warningsOf({ ...record, environment, restarts }).join("\n");
    expect(found).toContain("load average 3 on 2 cores");
    expect(found).toContain("8 % of the machine's time");
    expect(found).toContain("moved by 35.5 %");
    expect(found).toContain("not pinned: 1 core");
  });

  it("tell of restarts that did not fit, rows that were refused, arms that stayed cold and slices that did not count", () => {
    const record = sampleRecord();
    const restarts = record.restarts
      .slice(0, 3)
      .map((restart) => ({ ...restart, arms: restart.arms.map((arm) => ({ ...arm, steady: false })) }));
    const found = warningsOf({
      ...record,
      restarts,
      generator: { ...record.generator, invalidSlices: 80 },
      data: { ...record.data, importErrors: [{ reason: "customer refused", count: 4 }] },
    }).join("\n");
    expect(found).toContain("Only 3 of 5 planned restarts");
    expect(found).toContain("80 of 800 slices did not count");
    expect(found).toContain("12 of 12 arms");
    expect(found).toContain("refused 4 rows");
  });
});
