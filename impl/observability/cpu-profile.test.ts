import { afterAll, beforeAll, expect, test } from "vitest";
import { type Clock, systemClock } from "#impl/runtime/clock.ts";
import { recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { type Admin, startAdmin } from "./admin-http.ts";
import { createCpuProfiler } from "./cpu-profile.ts";
import { createMetrics } from "./metrics.ts";
import { type RuntimeStatsReader, startRuntimeStats } from "./runtime-stats.ts";

let admin: Admin;
let runtime: RuntimeStatsReader;
/** Ends the profile that is being taken, whose seconds would be waited for otherwise. */
let end = Promise.withResolvers<() => void>();
const clock: Clock = {
  ...systemClock,
  after: (_delayMs, action) => {
    end.resolve(action);
    return () => {};
  },
};

beforeAll(async () => {
  runtime = startRuntimeStats({ clock: systemClock, calls: () => 0, databaseQueries: () => 0 });
  admin = await startAdmin({
    port: 0,
    metrics: createMetrics({ processMetrics: false }),
    readiness: () => ({ ready: true, reasons: [] }),
    runtime,
    profile: createCpuProfiler(clock),
    log: recordingLogger([]),
  });
});
afterAll(async () => {
  runtime.close();
  await admin.close();
});

const get = (query: string) => fetch(`http://${admin.address}/debug/profile${query}`);

function spinThroughPrimes(): number {
  let found = 0;
  for (let n = 2; n < 30_000; n++) {
    let d = 2;
    while (d * d <= n && n % d !== 0) d++;
    if (d * d > n) found++;
  }
  return found;
}

test("a profile names the functions that ran, and only one is taken at a time", async () => {
  const first = get("?seconds=60");
  const endFirst = await end.promise;
  expect((await get("?seconds=1")).status).toBe(409);
  expect(spinThroughPrimes()).toBe(3245);
  endFirst();
  const response = await first;
  expect(response.status).toBe(200);
  expect(await response.text()).toContain('"functionName":"spinThroughPrimes"');
  end = Promise.withResolvers();
  const second = get("");
  (await end.promise)();
  expect((await second).status).toBe(200);
});

test.each(["0", "61", "1.5", "soon"])("%s seconds are refused", async (seconds) => {
  const response = await get(`?seconds=${seconds}`);
  expect(response.status).toBe(400);
  expect(await response.text()).toBe(`seconds=${seconds}: must be a whole number from 1 to 60\n`);
});
