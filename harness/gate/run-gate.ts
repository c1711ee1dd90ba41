// A whole gate: one database server, a database for each arm, then restart after restart until a look decides or the plan is over.
// Owns everything that is started and leaves nothing behind, however it ends.

import { type MachinePressure, readPressure } from "#harness/experiment/machine.ts";
import { type TimerJitter, timerJitter } from "#harness/experiment/timer-jitter.ts";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { untilServing } from "#harness/sut/health.ts";
import type { CorePlan } from "#harness/sut/pinning.ts";
import { type RunningSystem, startSystem } from "#harness/sut/start-system.ts";
import { createTokenIssuer } from "#harness/sut/tokens.ts";
import type { Shop } from "#harness/workload/shop.ts";
import type { Tree } from "./base-tree.ts";
import type { ArmName, GateArm } from "./gate-arms.ts";
import type { GatePlan } from "./gate-plan.ts";
import { type RestartResult, runRestart } from "./gate-restart.ts";
import { type GateVerdict, judgeGate } from "./judge-gate.ts";
import { finalLook, type Look, lookAfter } from "./looks.ts";
import { prepareArms } from "./prepare-arms.ts";
import { refuseDifferentProcesses } from "./same-environment.ts";

export interface GateOptions {
  readonly plan: GatePlan;
  readonly seed: number;
  readonly shop: Shop;
  readonly trees: Readonly<Record<ArmName, Tree>>;
  /** A directory of the run's own, which the caller removes. */
  readonly directory: string;
  readonly cores: CorePlan;
  readonly nodeFlags: readonly string[];
  /** Added to head's environment alone, to plant a regression; empty in a real gate. */
  readonly headEnv?: Readonly<Record<string, string>>;
  /** False: all restarts are run whatever the looks would say, for calibration. Default true. */
  readonly stopEarly?: boolean;
  readonly elapsedSeconds: () => number;
  readonly onStep: (text: string, done: number) => void;
  readonly signal: AbortSignal;
}

export interface GateRun {
  readonly verdict: GateVerdict;
  readonly look: Look;
  readonly restarts: readonly RestartResult[];
  readonly workload: string;
  readonly refusedRows: number;
  /** Whether head read a copy of base's data; else it imported its own. */
  readonly copied: boolean;
  readonly before: MachinePressure;
  readonly after: MachinePressure;
  readonly timerJitter: TimerJitter;
}

const adminId = "00000000-0000-7000-8000-000000000001";
/** Of both arms. What is not measured is not served, so that nothing works in the background beside it. */
export const gateSettings = { LOG_LEVEL: "warn", PROFILE_ALLOCATIONS: "1", SERVICES: "user,product" };
/** Of the checkout it is relative to, so that neither arm reads what the other has compiled. */
const compileCache = { NODE_COMPILE_CACHE: ".data/gate-compile" };

/** Fails with SystemStartError, SeedError, NoWorkloadError, DifferentEnvironmentError, or the signal's reason. */
export async function runGate(options: GateOptions): Promise<GateRun> {
  const { directory, signal, onStep } = options;
  const before = await readPressure();
  const jitter = await timerJitter();
  const tokens = await createTokenIssuer(directory);
  const permissions = ["products.read", "products.write", "users.read", "users.write"];
  const token = await tokens.issue({ subject: adminId, permissions }, 24 * 3600);
  const environment = { ...compileCache, JWKS_FILE: tokens.jwksFile, ...gateSettings };
  onStep("starting the database", 0);
  const owner = await startOwner(options, environment);
  try {
    const { databaseUrl } = await owner.runtime();
    if (databaseUrl === undefined) throw new Error("the system does not tell the address of its database");
    const { arms, ...prepared } = await prepareArms({
      serverUrl: databaseUrl,
      trees: options.trees,
      shop: options.shop,
      seed: options.seed,
      token,
      start: (name, url) => startArm(name, url, environment, options),
      onStep: (text) => onStep(text, 0),
      signal,
    });
    const run = await runRestarts(arms, options);
    return {
      ...run,
      ...prepared,
      before,
      after: await readPressure(),
      timerJitter: jitter,
    };
  } finally {
    await owner.stop();
  }
}

async function runRestarts(
  arms: Readonly<Record<ArmName, GateArm>>,
  { plan, seed, signal, onStep, elapsedSeconds, stopEarly = true }: GateOptions,
): Promise<Pick<GateRun, "verdict" | "look" | "restarts">> {
  const random = seededRandom(seed).fork("gate");
  const restarts: RestartResult[] = [];
  const longest = () => Math.max(0, ...restarts.map(({ seconds }) => seconds));
  while (restarts.length < plan.restarts) {
    signal.throwIfAborted();
    if (restarts.length >= 2 && elapsedSeconds() + longest() > plan.budgetSeconds) break;
    const restart = restarts.length;
    const result = await runRestart({
      restart,
      plan,
      arms,
      random: random.fork(`restart ${restart}`),
      capacity: restarts[0]?.capacity,
      onStep: (text) => onStep(`restart ${restart + 1}: ${text}`, restart),
      signal,
    });
    refuseDifferentProcesses(result.processes.base, result.processes.head);
    restarts.push(result);
    const look = lookAfter(restarts.length, plan.restarts);
    if (look === undefined || look === finalLook || !stopEarly) continue;
    const verdict = judgeGate(restarts, look);
    if (verdict.outcome !== "INCONCLUSIVE") return { verdict, look, restarts };
  }
  return { verdict: judgeGate(restarts, finalLook), look: finalLook, restarts };
}

/** The process that owns the database server: pinned from its first moment, so that the server is too. */
function startOwner(
  { directory, cores, nodeFlags, signal }: GateOptions,
  environment: Readonly<Record<string, string>>,
): Promise<RunningSystem> {
  return startSystem({
    name: "database owner",
    env: { ...environment, DATA_DIR: `${directory}/owner`, SHOW_DATABASE_URL: "1" },
    nodeFlags,
    core: cores.server,
    serving: untilServing,
    signal,
  });
}

function startArm(
  name: ArmName,
  databaseUrl: string,
  environment: Readonly<Record<string, string>>,
  { directory, trees, cores, nodeFlags, headEnv = {}, signal }: GateOptions,
): Promise<RunningSystem> {
  return startSystem({
    name,
    directory: trees[name].directory,
    env: {
      ...environment,
      DATA_DIR: `${directory}/${name}`,
      DATABASE_URL: databaseUrl,
      ...(name === "head" ? headEnv : {}),
    },
    nodeFlags,
    core: cores.server,
    startCores: cores.all,
    serving: untilServing,
    signal,
  });
}
