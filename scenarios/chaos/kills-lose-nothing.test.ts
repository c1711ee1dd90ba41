// Claim: when the shop and its database are killed under a load of orders, nothing that was acknowledged is lost, and stock and money add
// up. A short run of what `make chaos` does for as long as one likes.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runKills } from "#harness/chaos/kill-run.ts";

/** Good ones, a declined one, and one whose captures are declined: each is answered at once. */
const CARDS = ["4242424242424242", "4242424242424242", "4000000000009995", "4000000000000341"];

test("kills of the shop and of its database lose nothing", { timeout: 120_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), "grpc-ecommerce-kills-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const { verdicts, attempts, recoveryMs } = await runKills({
    targets: ["shop", "postgres"],
    kills: 2,
    seed: 1,
    directory,
    customers: 4,
    cards: CARDS,
    longestPeaceMs: 500,
    env: { ORDER_LEASE_MS: "1000" },
    onStep: () => {},
    signal: AbortSignal.timeout(110_000),
  });
  // A run so short may see nobody change their mind: of that, and of nothing else, nothing may be known.
  const open = verdicts.filter(({ outcome }) => outcome !== "pass");
  expect(open.filter(({ outcome, checked }) => outcome === "fail" || checked > 0)).toEqual([]);
  expect(open.length).toBeLessThanOrEqual(1);
  expect(recoveryMs).toHaveLength(2);
  expect(attempts.ok).toBeGreaterThan(0);
});
