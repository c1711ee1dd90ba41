// A secret that a data directory keeps: made once, then the same for every process that uses the directory. Readable by its owner only.
import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The text of the file `name`, made by `make` when there is none. */
export async function keptSecret(
  dataDir: string,
  name: string,
  make: () => Promise<string>,
): Promise<string> {
  const file = join(dataDir, name);
  const known = await readFile(file, "utf8").catch(unless<undefined>("ENOENT"));
  if (known !== undefined) return known;
  await mkdir(dataDir, { recursive: true });
  // Written whole, then linked, which fails where a file is: of two processes that start at once both use the first one's secret.
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, await make(), { mode: 0o600 });
  await link(draft, file).catch(unless<void>("EEXIST"));
  await unlink(draft);
  return readFile(file, "utf8");
}

/** Takes one error code for an answer, and no other. */
function unless<T>(code: string): (error: NodeJS.ErrnoException) => T | undefined {
  return (error) => {
    if (error.code !== code) throw error;
    return undefined;
  };
}
