// `make load`: runs k6 scripts against a shop, with k6 where it is installed, else with the built-in runner. Without ADDRESS it starts a
// shop of its own. Ends with the first exit code that is not 0.

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { abortOnSignals } from "./abort-on-signals.ts";
import { type LoadSettings, readLoadSettings, scriptFolder } from "./load-settings.ts";
import { startLoadShop } from "./load-shop.ts";

type Engine = "k6" | "built-in";

async function load(settings: LoadSettings, signal: AbortSignal): Promise<number> {
  const engine = settings.engine ?? (installed("k6") ? "k6" : "built-in");
  say(engine === "k6" ? "engine: k6" : "engine: the built-in runner (k6 is not installed)");
  if (settings.address !== undefined && settings.shopFile !== undefined) {
    return runAll(engine, settings, { ADDRESS: settings.address, SHOP: settings.shopFile }, signal);
  }
  const directory = await mkdtemp(join(tmpdir(), "grpc-ecommerce-load-"));
  try {
    await using shop = await startLoadShop({ ...settings, directory, signal, onStep: say });
    const { host, port } = shop.system.grpc;
    return await runAll(engine, settings, { ADDRESS: `${host}:${port}`, SHOP: shop.shopFile }, signal);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Target {
  readonly ADDRESS: string;
  readonly SHOP: string;
}

async function runAll(
  engine: Engine,
  { scripts }: LoadSettings,
  target: Target,
  signal: AbortSignal,
): Promise<number> {
  const results: { readonly script: string; readonly code: number }[] = [];
  for (const script of scripts) {
    if (signal.aborted) break;
    say(`\n${script}`);
    results.push({ script, code: await runOne(engine, join(scriptFolder, `${script}.ts`), target, signal) });
  }
  say("");
  for (const { script, code } of results)
    say(`${code === 0 ? "PASS" : `FAIL (exit code ${code})`} ${script}`);
  return signal.aborted ? 130 : (results.find(({ code }) => code !== 0)?.code ?? 0);
}

function runOne(engine: Engine, file: string, target: Target, signal: AbortSignal): Promise<number> {
  const variables = Object.entries({ ...scriptVariables(), ...target }).flatMap(([name, value]) => [
    "-e",
    `${name}=${value}`,
  ]);
  const [command, args] =
    engine === "k6"
      ? ["k6", ["run", ...variables, file]]
      : [process.execPath, [join(import.meta.dirname, "k6.ts"), file, ...variables]];
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
