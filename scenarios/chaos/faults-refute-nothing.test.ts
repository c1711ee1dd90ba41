// Claim: while faults strike a shop under load in a random order, no claim about orders, stock, money and streams is refuted, and it
// answers again after each. A short run of what `make chaos TIME=10m` does for as long as one likes.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runFaultPlan } from "#harness/chaos/fault-run.ts";
import { SHOP_FAULTS } from "#harness/chaos/shop-faults.ts";
import { effort, randomTimeoutMs, seed, timeMs } from "../scenario-seed.ts";

/** Each is answered at once: nothing is in doubt for long. */
const CARDS = ["4242424242424242", "4242424242424242", "4000000000009995", "4000000000000341"];
const DURATION_MS = timeMs ?? 3_000 * effort;
const TIMEOUT_MS = randomTimeoutMs(120_000);

test("a random schedule of faults refutes no claim", { timeout: TIMEOUT_MS }, async () => {
  const directory = await mkdtemp(join(tmpdir(), "grpc-ecommerce-faults-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const { verdicts, attempts, disturbed } = await runFaultPlan({
    plan: {
      faults: SHOP_FAULTS,
      durationMs: DURATION_MS,
      ...{ shortestMs: 200, longestMs: 1_000, longestPeaceMs: 700 },
    },
    seed,
    directory,
    customers: 4,
    cards: CARDS,
    env: { ORDER_LEASE_MS: "1000" },
    onStep: () => {},
    signal: AbortSignal.timeout(TIMEOUT_MS - 10_000),
  });
  expect(verdicts.filter(({ outcome }) => outcome === "fail")).toEqual([]);
  expect(disturbed.recoveries.length).toBeGreaterThan(0);
  expect(attempts.ok).toBeGreaterThan(0);
});
