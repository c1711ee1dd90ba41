// What `make gate` and `make gate-calibrate` share: one gate of this checkout against a commit, from its check-out to its report.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMachine } from "./experiment/machine.ts";
import { checkOutBase, describeTree } from "./gate/base-tree.ts";
import type { GatePlan } from "./gate/gate-plan.ts";
import { type GateRecord, gateRecord } from "./gate/gate-record.ts";
import { type Planted, plantedEnv } from "./gate/planted.ts";
import { readCalibration } from "./gate/published-calibration.ts";
import { runGate } from "./gate/run-gate.ts";
import type { GateSettings } from "./gate-settings.ts";
import { gitState } from "./report/git-state.ts";
import { runId } from "./report/write-report.ts";
import type { ShopSource } from "./shop-source.ts";
import { pinProcess, planCores } from "./sut/pinning.ts";
import { repositoryRoot } from "./sut/start-system.ts";

/** The same for both arms: a young generation that fits a server's garbage. */
const nodeFlags = ["--max-semi-space-size=16"];

export interface GateCommand {
  readonly settings: GateSettings;
  readonly plan: GatePlan;
  readonly source: ShopSource;
  /** Default: nothing. */
  readonly planted?: Planted;
  /** Default true. */
  readonly stopEarly?: boolean;
  readonly onStep: (text: string, done: number) => void;
  readonly signal: AbortSignal;
}

export async function compareWithBase(command: GateCommand): Promise<GateRecord> {
  const { settings, plan, source, planted = {}, stopEarly = true, onStep, signal } = command;
  const startedAt = new Date();
  const began = performance.now();
  const elapsedSeconds = () => (performance.now() - began) / 1000;
  const [git, machine] = await Promise.all([gitState(repositoryRoot), readMachine()]);
  const cores = planCores();
  pinProcess(process.pid, cores.generator);
  onStep(`checking out ${settings.base}`, 0);
  const base = await checkOutBase(settings.base, repositoryRoot, signal);
  try {
    const directory = await mkdtemp(join(tmpdir(), "grpc-ecommerce-gate-"));
    try {
      const head = await describeTree(repositoryRoot, git.commit);
      const trees = { base, head };
      const headEnv = plantedEnv(planted);
      const { shop } = source;
      const { seed } = settings;
      const run = await runGate({
        ...{ plan, seed, shop, trees, directory, cores, nodeFlags, headEnv, stopEarly },
        ...{ elapsedSeconds, onStep, signal },
      });
      return gateRecord({
        run,
        plan,
        trees,
        machine,
        seed,
        id: `${runId(startedAt, git.commit, false)}-vs-${base.commit.slice(0, 7)}${headEnv.GATE_INJECT === undefined ? "" : `-${headEnv.GATE_INJECT.replaceAll(/[^a-z0-9.]+/g, "-")}`}`,
        command: commandOf(settings, headEnv.GATE_INJECT),
        startedAt: startedAt.toISOString(),
        elapsedSeconds: elapsedSeconds(),
        baseRef: settings.base,
        headDirty: git.dirty,
        planted: headEnv.GATE_INJECT ?? null,
        data: source.data.source,
        pinning: cores.statement,
        calibration: await readCalibration(repositoryRoot),
      });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  } finally {
    await base.remove();
  }
}

function commandOf({ base, dataFolder, seed, minutes }: GateSettings, planted: string | undefined): string {
  const data = dataFolder === undefined ? "" : ` DATA=${dataFolder}`;
  return `make gate BASE=${base}${data} SEED=${seed} MINUTES=${minutes}${planted === undefined ? "" : ` PLANT=${planted}`}`;
}
