import { execFileSync } from "node:child_process";
import { chmod, cp, lstat, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresBinaries } from "./postgres-binaries.ts";
import { canRead } from "./server-account.ts";

/** Owns nothing and is in no group that matters here. */
const stranger = { uid: 65_533, gid: 65_533 };

let root = "";
let hidden = "";
let installed = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "binaries-"));
  await chmod(root, 0o755);
  hidden = join(root, "hidden");
  installed = join(hidden, "package");
  await mkdir(hidden, { mode: 0o700 });
  const { postgres } = await postgresBinaries(undefined);
  // As npm unpacks it when install scripts are off: no links, and here without the execute bit.
  await cp(dirname(dirname(dirname(postgres))), installed, {
    recursive: true,
    verbatimSymlinks: true,
    filter: async (path) => !(await lstat(path)).isSymbolicLink() && !path.endsWith(".a"),
  });
  await chmod(join(installed, "native", "bin", "initdb"), 0o644);
});
afterAll(() => rm(root, { recursive: true }));

const version = (path: string) => execFileSync(path, ["--version"], { encoding: "utf8" });

describe("the binaries of npm", () => {
  test("get the links and rights that the install script would have given them", async () => {
    const { initdb, postgres, major } = await postgresBinaries(undefined, "", installed);
    expect(version(initdb)).toMatch(/^initdb \(PostgreSQL\) 18\./);
    expect(version(postgres)).toMatch(/^postgres \(PostgreSQL\) 18\./);
    expect(major).toBe("18");
  });

  test("are copied to where the server's account can read them, once", async () => {
    const cache = join(root, "cache");
    const first = await postgresBinaries(stranger, cache, installed);
    expect(first.postgres.startsWith(cache)).toBe(true);
    expect(await canRead(stranger, first.postgres)).toBe(true);
    expect(version(first.postgres)).toMatch(/18\./);
    const { ino } = await lstat(first.postgres);
    await postgresBinaries(stranger, cache, installed);
    expect((await lstat(first.postgres)).ino).toBe(ino);
  });

  test("are used in place by an account that can read them", async () => {
    await chmod(hidden, 0o755);
    const { postgres } = await postgresBinaries(stranger, join(root, "unused"), installed);
    expect(postgres).toBe(join(installed, "native", "bin", "postgres"));
  });

  test("that are not there are named", async () => {
    await expect(postgresBinaries(undefined, "", join(root, "nowhere"))).rejects.toThrow("nowhere");
  });
});
