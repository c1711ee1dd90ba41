// `make planted`: plants one defect after another into a copy of the shop and runs chaos against it: does a claim find it? The shop as it
// is goes first, and must be found clean. Progress goes to standard error, the table to standard output. Ends with 1 when a defect is
// missed, or the clean shop is not.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { abortOnSignals } from "./abort-on-signals.ts";
import { runFaultPlan } from "./chaos/fault-run.ts";
import { PLANTED_DEFECTS, type PlantedDefect } from "./chaos/planted/planted-defects.ts";
import { plantTree } from "./chaos/planted/planted-tree.ts";
import type { Verdict } from "./check/verdict.ts";
import { repositoryRoot } from "./sut/start-system.ts";

interface Settings {
  readonly defects: readonly PlantedDefect[];
  readonly seed: number;
}

/** One kill or two; most of the load comes after them. */
const PLAN = {
  faults: ["kill"],
  durationMs: 4_000,
  longestMs: 1_000,
  shortestPeaceMs: 1_000,
  longestPeaceMs: 2_000,
};
/** Enough for every defect to have its effect a few times. */
const LEAST_OPERATIONS = 100;
/** Good ones and declined ones, each answered at once: nothing is in doubt for long. */
const CARDS = ["4242424242424242", "4242424242424242", "4000000000009995", "4000000000000341"];
/** A defect that was planted does not go away; nobody waits for the last doubt. */
const SETTLED_AFTER_MS = 15_000;
const NAME_WIDTH = 24;
const VERDICT_WIDTH = 11;

/** Throws an Error that names the variable, its value and its rule. */
function readSettings({ DEFECT, SEED = "1" }: Readonly<Record<string, string | undefined>>): Settings {
  const defects = DEFECT ? PLANTED_DEFECTS.filter(({ name }) => name === DEFECT) : PLANTED_DEFECTS;
  if (defects.length === 0) {
    throw new Error(`DEFECT=${DEFECT}: is none of ${PLANTED_DEFECTS.map(({ name }) => name).join(", ")}`);
  }
  if (!/^\d+$/.test(SEED)) throw new Error(`SEED=${SEED}: must be a whole number from 0`);
  return { defects, seed: Number(SEED) };
}

/** Verdicts of a run; of the shop as it is without a defect. */
async function verdictsOf(
  defect: PlantedDefect | undefined,
  seed: number,
  signal: AbortSignal,
): Promise<readonly Verdict[]> {
  await using cleanup = new AsyncDisposableStack();
  const name = defect?.name ?? "clean";
  const tree = await plantTree(repositoryRoot, `planted-${name}`, defect?.replacements ?? []);
  cleanup.defer(() => tree.remove());
  const directory = await mkdtemp(join(tmpdir(), "grpc-ecommerce-planted-"));
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));
  const run = await runFaultPlan({
    ...{ plan: PLAN, seed, directory, cards: CARDS, settledAfterMs: SETTLED_AFTER_MS, signal },
    tree: tree.directory,
    leastOperations: LEAST_OPERATIONS,
    env: { ORDER_LEASE_MS: "1000" },
    onStep: (text) => process.stderr.write(`${name}: ${text}\n`),
  });
  return run.verdicts;
}

function row(name: string, verdict: string, lines: readonly string[]): string {
  const indent = " ".repeat(NAME_WIDTH + VERDICT_WIDTH);
  return `${name.padEnd(NAME_WIDTH)}${verdict.padEnd(VERDICT_WIDTH)}${lines.join(`\n${indent}`)}`;
}

/** Whether all was as it must be. */
async function plant({ defects, seed }: Settings, signal: AbortSignal): Promise<boolean> {
  const failed = (verdicts: readonly Verdict[]): Verdict[] =>
    verdicts.filter(({ outcome }) => outcome === "fail");
  const told = ({ claim, outcome, checked, evidence }: Verdict): string[] => [
    `${outcome.toUpperCase()} (${checked} checked) ${claim}`,
    ...evidence.slice(0, 1).map((line) => `  ${line}`),
  ];
  const clean = failed(await verdictsOf(undefined, seed, signal));
  const isClean = clean.length === 0;
  const lines = isClean ? ["no claim fails of the shop as it is"] : clean.flatMap(told);
  process.stdout.write(`${row("none", isClean ? "CLEAN" : "FAIL", lines)}\n`);
  let missed = 0;
  for (const defect of defects) {
    const verdicts = await verdictsOf(defect, seed, signal);
    const found = failed(verdicts).filter(({ claim }) =>
      defect.claims.some((beginning) => claim.startsWith(beginning)),
    );
    if (found.length === 0) missed++;
    const [caught, why] = found.length === 0 ? ["MISSED", verdicts] : ["CAUGHT by", found];
    process.stdout.write(`${row(defect.name, caught, [defect.about, ...why.flatMap(told)])}\n`);
  }
  return isClean && missed === 0;
}

const interrupt = abortOnSignals(process.stderr);

try {
  process.exitCode = (await plant(readSettings(process.env), interrupt)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`\nno verdict: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = interrupt.aborted ? 130 : 1;
}
