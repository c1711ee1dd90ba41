import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import {
  CALIBRATION_FILE,
  calibrationInWords,
  type PublishedCalibration,
  readCalibration,
} from "./published-calibration.ts";

const root = await mkdtemp(join(tmpdir(), "calibration-"));
afterAll(() => rm(root, { recursive: true }));

const fail = (share: number) => ({ fail: { share, low: 0, high: share + 0.004 } });
const published: PublishedCalibration = {
  startedAt: "2026-01-02T03:04:05Z",
  minutes: 10,
  fingerprint: "abc",
  seed: 1,
  live: [],
  resampled: [
    { shifted: "none", rates: fail(0.005) },
    { shifted: "median latency", rates: fail(0.97) },
  ],
};

it("says how often a gate is wrong, and whether that is of such a machine", async () => {
  expect(calibrationInWords(await readCalibration(root), "abc")).toMatch(/^none was published/);
  await mkdir(join(root, "docs"));
  await writeFile(join(root, CALIBRATION_FILE), JSON.stringify(published));
  const words = calibrationInWords(await readCalibration(root), "abc");
  expect(words).toBe(
    "on such a machine, 2026-01-02, 10 minutes: false alarms 0.5 % (at most 0.9 %); power at 5 % of median latency 97.0 % (docs/gate-calibration.md)",
  );
  expect(calibrationInWords(published, "def")).toMatch(/^on another machine/);
});
