// Runs a fixture as a user would: in a process of its own.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SummaryData } from "../summary.ts";

const RUNNER = fileURLToPath(new URL("../../k6.ts", import.meta.url));
const FIXTURES = fileURLToPath(new URL("../../../load/fixtures/", import.meta.url));

export interface FixtureRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What the fixture's handleSummary wrote to OUT. */
  readonly summary: SummaryData | undefined;
}

/** `interruptOn`: sent SIGINT when its standard error has this text. */
export async function runFixture(
  name: string,
  env: Readonly<Record<string, string>>,
  interruptOn?: string,
): Promise<FixtureRun> {
  const directory = await mkdtemp(join(tmpdir(), "k6-fixture-"));
  try {
    const out = join(directory, "summary.json");
    const variables = Object.entries({ ...env, OUT: out }).flatMap(([key, value]) => [
      "-e",
      `${key}=${value}`,
    ]);
    const child = spawn(process.execPath, [RUNNER, join(FIXTURES, `${name}.ts`), ...variables]);
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    child.stderr.on("data", (text) => {
      stderr += text;
      if (interruptOn !== undefined && stderr.includes(interruptOn)) child.kill("SIGINT");
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    const summary = await readFile(out, "utf8").then(JSON.parse, () => undefined);
    return { code, stdout, stderr, summary };
  } finally {
    await rm(directory, { recursive: true });
  }
}
