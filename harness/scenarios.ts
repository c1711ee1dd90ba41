// `make scenarios`: runs the claims in scenarios/ against real systems and says which hold. Ends with 1 when one does not.

import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { writeHistory } from "./history/write-history.ts";
import { gitState } from "./report/git-state.ts";
import { type BackingServices, openBackingServices } from "./sut/backing-services.ts";
import { repositoryRoot } from "./sut/start-system.ts";

const FOLDER = join(repositoryRoot, "scenarios");

interface ScenarioSettings {
  /** Folder below scenarios/, or a file; undefined: all. */
  readonly suite: string | undefined;
  readonly seed: number;
  /** How many times as much as in the tests is tried. */
  readonly effort: number;
}

/** Throws an Error that names the variable, its value and its rule. */
function readSettings(environment: Readonly<Record<string, string | undefined>>): ScenarioSettings {
  const { SUITE, SEED, EFFORT = "1" } = environment;
  if (SUITE && !existsSync(join(FOLDER, SUITE))) {
    const suites = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    throw new Error(`SUITE=${SUITE}: must be some of ${suites.map(({ name }) => name).join(", ")}`);
  }
  if (SEED && !/^\d+$/.test(SEED)) throw new Error(`SEED=${SEED}: must be a whole number from 0`);
  if (!/^[1-9]\d*$/.test(EFFORT)) throw new Error(`EFFORT=${EFFORT}: must be a whole number from 1`);
  return {
    suite: SUITE || undefined,
    seed: SEED ? Number(SEED) : randomInt(1, 1_000_000),
    effort: Number(EFFORT),
  };
}

async function run({ suite, seed, effort }: ScenarioSettings, backing: BackingServices): Promise<number> {
  const { commit, dirty } = await gitState(repositoryRoot);
  const command = [
    "make scenarios",
    ...(suite === undefined ? [] : [`SUITE=${suite}`]),
    `SEED=${seed}`,
    `EFFORT=${effort}`,
  ];
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
  const reports = join(repositoryRoot, "reports");
  const result = join(reports, "scenarios", `${stamp}.json`);
  const vitest = join(repositoryRoot, "node_modules", "vitest", "vitest.mjs");
  const args = [
    vitest,
    "run",
    join(FOLDER, suite ?? ""),
    `--reporter=${join(import.meta.dirname, "scenario/scenario-reporter.ts")}`,
  ];
  // What is given is used through what follows; no system of a scenario shall find it by itself.
  const { DATABASE_URL: _, REDIS_URL: __, ...environment } = process.env;
  const env = {
    ...environment,
    SEED: String(seed),
    EFFORT: String(effort),
    SCENARIO_COMMAND: command.join(" "),
    SCENARIO_RESULT: result,
    SCENARIO_COMMIT: commit,
    SCENARIO_DIRTY: dirty ? "1" : "0",
    SCENARIO_NOTES: backing.notes.join("\n"),
    // Empty: the embedded one, and no Redis.
    TEST_DATABASE_URL: backing.databaseUrl ?? "",
    SCENARIO_REDIS_URL: backing.redisUrl ?? "",
  };
  const child = spawn(process.execPath, args, { stdio: "inherit", cwd: repositoryRoot, env });
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => child.kill(name));
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (exitCode) => resolve(exitCode ?? 130));
  });
  await writeHistory(reports);
  process.stdout.write(`page: ${relative(process.cwd(), result).replace(/\.json$/, ".html")}\n`);
  process.stdout.write(`${relative(process.cwd(), result)}\n`);
  return code;
}

try {
  const settings = readSettings(process.env);
  const backing = await openBackingServices(process.env);
  try {
    process.exitCode = await run(settings, backing);
  } finally {
    await backing.stop();
  }
} catch (error) {
  process.stderr.write(`no scenarios: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
