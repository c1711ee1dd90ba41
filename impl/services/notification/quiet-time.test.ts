import fc from "fast-check";
import { expect, test } from "vitest";
import { isTimeZone, quietUntil } from "./quiet-time.ts";

const at = (text: string): number => Date.parse(text);
const night = { startMinute: 22 * 60, endMinute: 7 * 60 };

test.each([
  ["2027-06-01T20:59:59Z", undefined],
  ["2027-06-01T21:00:00Z", "2027-06-02T06:00:00Z"],
  ["2027-06-02T05:59:59Z", "2027-06-02T06:00:00Z"],
  ["2027-06-02T06:00:00Z", undefined],
])("a night in London at %s ends at %s", (now, end) => {
  const until = quietUntil({ ...night, timeZone: "Europe/London" }, at(now));
  expect(until).toBe(end === undefined ? undefined : at(end));
});

test("a night in which the clock is put forward is an hour shorter, one in which it is put back an hour longer", () => {
  const zone = { ...night, timeZone: "Europe/London" };
  expect(quietUntil(zone, at("2027-03-27T23:00:00Z"))).toBe(at("2027-03-28T06:00:00Z"));
  expect(quietUntil(zone, at("2027-10-30T23:00:00Z"))).toBe(at("2027-10-31T07:00:00Z"));
});

test("where start and end are equal there is no quiet time", () => {
  expect(
    quietUntil({ startMinute: 60, endMinute: 60, timeZone: "" }, at("2027-06-01T01:00:00Z")),
  ).toBeUndefined();
});

test("a quiet time ends later than now, within a day and the change of a clock, and is over after a few waits", () => {
  const minute = fc.integer({ min: 0, max: 1_439 });
  const timeZone = fc.constantFrom(
    "",
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
  );
  const now = fc.integer({ min: at("2027-01-01T00:00:00Z"), max: at("2029-01-01T00:00:00Z") });
  fc.assert(
    fc.property(minute, minute, timeZone, now, (startMinute, endMinute, zone, start) => {
      const quiet = { startMinute, endMinute, timeZone: zone };
      let time = start;
      for (let waits = 0; waits <= 4; waits++) {
        const end = quietUntil(quiet, time);
        if (end === undefined) return;
        expect(end).toBeGreaterThan(time);
        expect(end - time).toBeLessThanOrEqual(25 * 3_600_000);
        time = end;
      }
      throw new Error("the quiet time does not end");
    }),
    { numRuns: 300 },
  );
});

test("time zones are those that the runtime knows", () => {
  expect(["", "UTC", "Asia/Kathmandu", "Atlantis/Capital"].map(isTimeZone)).toEqual([
    true,
    true,
    true,
    false,
  ]);
});
