// `make scenarios`: runs the claims in scenarios/ against real systems and says which hold. Ends with 1 when one does not.

import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { join, relative } from "node:path";
import { writeHistory } from "./history/write-history.ts";
import { gitState } from "./report/git-state.ts";
import { commandOf, readScenarioSettings, type ScenarioSettings } from "./scenario/scenario-settings.ts";
import { type BackingServices, openBackingServices } from "./sut/backing-services.ts";
import { repositoryRoot } from "./sut/start-system.ts";

const FOLDER = join(repositoryRoot, "scenarios");

async function run(settings: ScenarioSettings, backing: BackingServices): Promise<number> {
  const { suite, seed, effort, timeMs } = settings;
  const { commit, dirty } = await gitState(repositoryRoot);
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
    EFFORT: String(effort ?? ""),
    TIME_MS: String(timeMs ?? ""),
    SCENARIO_COMMAND: commandOf(settings),
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
  const settings = readScenarioSettings(process.env, FOLDER, () => randomInt(1, 1_000_000));
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
