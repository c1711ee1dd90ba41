import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { continuesMigrations } from "./same-migrations.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "gate-migrations-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

it("lets head continue what base has applied, and nothing else", async () => {
  const base = await checkout("base", { "product/migrations/0001_a.sql": "create table a ()" });
  const further = await checkout("further", {
    "product/migrations/0001_a.sql": "create table a ()",
    "product/migrations/0002_b.sql": "create table b ()",
  });
  const changed = await checkout("changed", { "product/migrations/0001_a.sql": "create table a (x int)" });
  expect(await continuesMigrations(base, base)).toBe(true);
  expect(await continuesMigrations(base, further)).toBe(true);
  expect(await continuesMigrations(further, base)).toBe(false);
  expect(await continuesMigrations(base, changed)).toBe(false);
});

async function checkout(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const directory = join(root, name);
  for (const [file, text] of Object.entries(files)) {
    const path = join(directory, "impl", "services", file);
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, text);
  }
  return directory;
}
