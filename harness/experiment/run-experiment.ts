// A whole run: one database, one shop in it, then restart after restart until the plan or the time is over. Owns everything
// that is started and leaves nothing behind, however it ends.

import { type SeededRandom, seededRandom } from "#harness/random/seeded-random.ts";
import { catalogueOf, emailOf } from "#harness/sut/catalogue.ts";
import { type DatabaseCpu, databaseCpuOf } from "#harness/sut/database-cpu.ts";
import { untilServing } from "#harness/sut/health.ts";
import type { CorePlan } from "#harness/sut/pinning.ts";
import { type SeededShop, seedShop } from "#harness/sut/seed-shop.ts";
import { type RunningSystem, startSystem } from "#harness/sut/start-system.ts";
import { createTokenIssuer } from "#harness/sut/tokens.ts";
import type { Shop } from "#harness/workload/shop.ts";
import { connect } from "#wire/client.ts";
import type { ArmParts } from "./arm-under-test.ts";
import { connectionsPerArm, measureGenerator } from "./measure-generator.ts";
import { prepareWorkloads } from "./prepare-workloads.ts";
import { type BlockResult, type RateTable, runBlock } from "./restart-block.ts";
import { mayStartRestart, type RunPlan } from "./run-plan.ts";
import type { Workload } from "./workload.ts";

export interface ExperimentOptions {
  readonly plan: RunPlan;
  readonly seed: number;
  readonly shop: Shop;
  /** A directory of the run's own, which the caller removes. */
  readonly directory: string;
  readonly cores: CorePlan;
  readonly nodeFlags: readonly string[];
  readonly openLink: ArmParts["openLink"];
  /** Seconds since the run began. */
  readonly elapsedSeconds: () => number;
  readonly onStep: (text: string, done: number) => void;
  readonly signal: AbortSignal;
}

export interface ExperimentResult {
  readonly seeded: SeededShop;
  readonly workloads: readonly Workload[];
  readonly generator: { readonly wire: number; readonly grpcJs: number };
  readonly blocks: readonly BlockResult[];
  readonly rates: RateTable;
}

const adminId = "00000000-0000-7000-8000-000000000001";

/**
 * Of every arm, beside the defaults. A line for each call would have to be read by the generator, so none is written; what is not measured
 * is not served, so that nothing works in the background beside it.
 */
export const serverSettings = { LOG_LEVEL: "warn", PROFILE_ALLOCATIONS: "1", SERVICES: "user,product" };

/** Fails with SystemStartError, SeedError, NoWorkloadError, or the signal's reason. */
export async function runExperiment(options: ExperimentOptions): Promise<ExperimentResult> {
  const { plan, seed, signal, onStep } = options;
  const random = seededRandom(seed);
  const tokens = await createTokenIssuer(options.directory);
  const token = await tokens.issue({
    subject: adminId,
    permissions: ["products.read", "products.write", "users.read", "users.write"],
  });
  const environment = { JWKS_FILE: tokens.jwksFile, ...serverSettings };
  onStep("starting the database", 0);
  const owner = await startOwner(options, environment);
  try {
    const { databaseUrl } = await owner.runtime();
    if (databaseUrl === undefined)
      throw new Error("the system does not tell the address of its embedded database");
    const database = await databaseCpuOf(owner.pid);
    const connection = await connect({ ...owner.grpc, signal });
    try {
      onStep("importing the shop", 0);
      const seeded = await seedShop({ connection, token, shop: catalogueOf(options.shop) });
      const workloads = await prepareWorkloads({
        connection,
        token,
        seeded,
        shop: options.shop,
        emailOf,
        random,
      });
      onStep("measuring the generator", 0);
      const generator = await measureGenerator(owner.grpc, token, seeded, plan.quick);
      const parts = armParts(options, { ...environment, DATABASE_URL: databaseUrl });
      const blocks = await runBlocks(options, { parts, workloads, database, random });
      return { seeded, workloads, generator, blocks, rates: blocks[0]?.rates ?? [] };
    } finally {
      await connection.close();
    }
  } finally {
    await owner.stop();
  }
}

/** The process that owns the embedded database: pinned from its first moment, so that the database is too. */
function startOwner(
  options: ExperimentOptions,
  environment: Readonly<Record<string, string>>,
): Promise<RunningSystem> {
  return startSystem({
    name: "database owner",
    env: {
      ...compileCache,
      ...environment,
      DATA_DIR: `${options.directory}/owner`,
      // The arms share its embedded database.
      SHOW_DATABASE_URL: "1",
    },
    nodeFlags: options.nodeFlags,
    core: options.cores.server,
    serving: untilServing,
    signal: options.signal,
  });
}

/** Compiled code is kept from process to process, which shortens the start of each; warm code is the same with or without. */
const compileCache = { NODE_COMPILE_CACHE: "node_modules/.cache/harness-compile" };

function armParts(options: ExperimentOptions, environment: Readonly<Record<string, string>>): ArmParts {
  return {
    connections: connectionsPerArm,
    openLink: options.openLink,
    startSystem: (arm) =>
      startSystem({
        name: arm.label,
        env: {
          ...compileCache,
          ...environment,
          DATA_DIR: `${options.directory}/arm-${arm.cell}`,
          MIDDLEWARE_OFF: arm.middlewareOff,
        },
        nodeFlags: options.nodeFlags,
        core: options.cores.server,
        startCores: options.cores.all,
        serving: untilServing,
        signal: options.signal,
      }),
  };
}

interface BlockParts {
  readonly parts: ArmParts;
  readonly workloads: readonly Workload[];
  readonly database: DatabaseCpu;
  readonly random: SeededRandom;
}

async function runBlocks(options: ExperimentOptions, shared: BlockParts): Promise<BlockResult[]> {
  const { plan, signal, onStep, elapsedSeconds } = options;
  const blocks: BlockResult[] = [];
  // The first also finds the rates, which no other does.
  const longest = () => Math.max(0, ...blocks.slice(blocks.length > 1 ? 1 : 0).map((block) => block.seconds));
  while (mayStartRestart(plan, blocks.length, elapsedSeconds(), longest())) {
    signal.throwIfAborted();
    const restart = blocks.length;
    blocks.push(
      await runBlock({
        ...shared,
        restart,
        plan,
        signal,
        random: shared.random.fork(`restart ${restart}`),
        rates: blocks[0]?.rates,
        onStep: (text) => onStep(`restart ${restart + 1}: ${text}`, restart),
      }),
    );
  }
  return blocks;
}
