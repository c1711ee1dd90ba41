// Which code a run measured: the commit, and whether files differed from it. Without git both are told as unknown, not guessed.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface GitState {
  /** Empty when unknown. */
  readonly commit: string;
  /** Reports are no code: a published one that is not committed yet changes nothing that is measured. */
  readonly dirty: boolean;
}

export async function gitState(directory: string): Promise<GitState> {
  try {
    const commit = (await run("git", ["rev-parse", "HEAD"], { cwd: directory })).stdout.trim();
    const changes = ["status", "--porcelain", "--", ".", ":(exclude)reports"];
    const status = (await run("git", changes, { cwd: directory })).stdout;
    return { commit, dirty: status.trim() !== "" };
  } catch {
    return { commit: "", dirty: true };
  }
}

/** SHA-256 of the dependency lock, hexadecimal; null without one. */
export async function lockHash(directory: string): Promise<string | null> {
  const content = await readFile(join(directory, "package-lock.json")).catch(() => undefined);
  return content === undefined ? null : createHash("sha256").update(content).digest("hex");
}
