// `make load`: runs k6 scripts against a shop, with k6 where it is installed, else with the built-in runner. Without ADDRESS it starts a
// shop of its own. What came out stands in reports/load/. Ends with the first exit code that is not 0.

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import { abortOnSignals } from "./abort-on-signals.ts";
import { readMachine } from "./experiment/machine.ts";
import type { VerdictRecord } from "./history/verdict-record.ts";
import { writeVerdicts } from "./history/write-verdicts.ts";
import { commandOf, type LoadSettings, readLoadSettings, scriptFolder } from "./load-settings.ts";
import { loadNodeFlags, startLoadShop } from "./load-shop.ts";
import { type ScriptRun, scriptSummary } from "./load-summary.ts";
import { gitState } from "./report/git-state.ts";
import { repositoryRoot } from "./sut/start-system.ts";

type Engine = "k6" | "built-in";

async function load(settings: LoadSettings, signal: AbortSignal): Promise<number> {
  const startedAt = new Date();
  const engine = settings.engine ?? (installed("k6") ? "k6" : "built-in");
  say(engine === "k6" ? "engine: k6" : "engine: the built-in runner (k6 is not installed)");
  const directory = await mkdtemp(join(tmpdir(), "grpc-ecommerce-load-"));
  try {
    const results = await runAgainstShop(engine, settings, directory, signal);
    if (signal.aborted) return 130;
    const record = await loadRecord(engine, settings, results, startedAt);
    const page = await writeVerdicts(join(repositoryRoot, "reports"), "load", record);
    say("");
    for (const { script, exitCode } of results)
      say(`${exitCode === 0 ? "PASS" : `FAIL (exit code ${exitCode})`} ${script}`);
    say(`page: ${relative(process.cwd(), page)}`);
    return results.find(({ exitCode }) => exitCode !== 0)?.exitCode ?? 0;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** One that runs already, or one that is started for this. */
async function runAgainstShop(
  engine: Engine,
  settings: LoadSettings,
  directory: string,
  signal: AbortSignal,
): Promise<ScriptRun[]> {
  const { scripts, address, shopFile } = settings;
  if (address !== undefined && shopFile !== undefined) {
    return runAll({ engine, scripts, directory, target: { ADDRESS: address, SHOP: shopFile } }, signal);
  }
  await using shop = await startLoadShop({ ...settings, directory, signal, onStep: say });
  const { host, port } = shop.system.grpc;
  const target = { ADDRESS: `${host}:${port}`, SHOP: shop.shopFile };
  return await runAll({ engine, scripts, directory, target }, signal);
}

interface Runs {
  readonly engine: Engine;
  readonly scripts: readonly string[];
  /** For summaries. */
  readonly directory: string;
  readonly target: { readonly ADDRESS: string; readonly SHOP: string };
}

async function runAll(runs: Runs, signal: AbortSignal): Promise<ScriptRun[]> {
  const results: ScriptRun[] = [];
  for (const script of runs.scripts) {
    if (signal.aborted) break;
    say(`\n${script}`);
    const file = join(runs.directory, `${script}.summary.json`);
    const exitCode = await runOne(runs, script, file, signal);
    // A script that did not come to its end has none.
    const summary = await readFile(file, "utf8").catch(() => undefined);
    results.push({ script, engine: runs.engine, exitCode, summary });
  }
  return results;
}

function runOne(
  { engine, target }: Runs,
  script: string,
  summary: string,
  signal: AbortSignal,
): Promise<number> {
  const variables = Object.entries({ ...scriptVariables(), ...target }).flatMap(([name, value]) => [
    "-e",
    `${name}=${value}`,
  ]);
  const flags = [...variables, "--summary-export", summary];
  const file = join(scriptFolder, `${script}.ts`);
  const [command, args] =
    engine === "k6"
      ? ["k6", ["run", ...flags, file]]
      : [process.execPath, [join(import.meta.dirname, "k6.ts"), file, ...flags]];
  const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  const stop = (): void => void child.kill("SIGINT");
  signal.addEventListener("abort", stop, { once: true });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      signal.removeEventListener("abort", stop);
      resolve(code ?? 1);
    });
  });
}

async function loadRecord(
  engine: Engine,
  settings: LoadSettings,
  results: readonly ScriptRun[],
  startedAt: Date,
): Promise<VerdictRecord> {
  const [{ commit, dirty }, machine] = await Promise.all([gitState(repositoryRoot), readMachine()]);
  const summaries = results.map(scriptSummary);
  const ours = settings.address === undefined;
  const { node = "", v8 = "" } = process.versions;
  return {
    startedAt: startedAt.toISOString(),
    elapsedSeconds: (Date.now() - startedAt.getTime()) / 1000,
    command: commandOf(settings, scriptVariables()),
    seed: settings.seed,
    commit,
    dirty,
    summary: [
      `${results.map(({ script }) => script).join(", ")}, one after another, by ${engine === "k6" ? "k6" : "the built-in runner of k6 scripts"}, against ${ours ? "a shop started for them" : `the shop at ${settings.address}`}.`,
    ],
    verdicts: summaries.map(({ verdict }) => verdict),
    // Of a shop elsewhere the machine is not known.
    ...(ours
      ? { environment: { machine, node: `v${node}`, v8, nodeFlags: loadNodeFlags, pinning: "not pinned" } }
      : {}),
    measured: summaries.flatMap(({ measured }) => measured),
  };
}

/** What scripts read beside the target: k6 sees of the environment only what it is given. */
const SCRIPT_VARIABLES = ["TIME", "RATE", "PEAK", "HOUR", "BASE", "MOST", "TLS_CA"];

function scriptVariables(): Record<string, string> {
  const given = SCRIPT_VARIABLES.map((name) => [name, process.env[name] ?? ""]);
  return Object.fromEntries(given.filter(([, value]) => value !== ""));
}

function installed(command: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const interrupt = abortOnSignals(process.stderr);

try {
  process.exitCode = await load(readLoadSettings(process.env), interrupt);
} catch (error) {
  say(`no load: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = interrupt.aborted ? 130 : 1;
}
