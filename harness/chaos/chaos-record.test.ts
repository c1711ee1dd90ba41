import { expect, test } from "vitest";
import { type ChaosRecord, chaosTable, faultRecords } from "./chaos-record.ts";

test("the table tells how long each fault took to be over, which claims hold, and how to repeat it", () => {
  const struck = [
    { fault: "kill", about: "it is killed" },
    { fault: "pause", about: "it is frozen" },
    { fault: "kill", about: "it is killed" },
  ];
  const recoveries = [
    { fault: "kill", ms: 1_500 },
    { fault: "kill", ms: 900.4 },
    { fault: "pause", ms: undefined },
  ];
  const record: ChaosRecord = {
    id: "x",
    startedAt: "2026-01-01T00:00:00Z",
    command: "make chaos TIME=1m FAULTS=kill,pause SEED=7",
    seed: 7,
    commit: "",
    dirty: false,
    elapsedSeconds: 60,
    attempts: { ok: 5, fail: 1, unknown: 2 },
    statuses: { PROCESSING: 4, CANCELLED: 1 },
    skipped: [{ name: "full-disk", skipped: "no file system can be mounted" }],
    resumed: 3,
    verdicts: [
      { claim: "a holds", outcome: "pass", checked: 5, evidence: [] },
      { claim: "b holds", outcome: "fail", checked: 5, evidence: ["it does not"] },
    ],
    faults: faultRecords(struck, recoveries),
    answeredShare: 0.875,
  };
  expect(chaosTable(record).split("\n")).toEqual([
    "fault                    times    median     worst  from healing to the first answer",
    "kill                         2    900 ms   1500 ms  it is killed",
    "pause                        1     never     never  it is frozen",
    "full-disk               skipped: no file system can be mounted",
    "",
    "orders     5 acknowledged, 1 refused, 2 unknown to their sender",
    "states     PROCESSING 4, CANCELLED 1",
    "streams    cut and resumed 3 times",
    "answered   87.5 % of a probe's calls",
    "",
    "verdict   checked  claim",
    "PASS            5  a holds",
    "FAIL            5  b holds",
    "                     it does not",
    "",
    "the same again: make chaos TIME=1m FAULTS=kill,pause SEED=7",
  ]);
});
