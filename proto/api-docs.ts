// Writes the API documentation in docs/api from the contract.
// Usage: node proto/api-docs.ts [--check]. With --check it writes nothing, names what would change, and then exits 1.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiPages } from "./api-pages.ts";
import { type Contract, readContract } from "./contract.ts";
import { openApi } from "./openapi.ts";
import { buildSourceImage } from "./source-image.ts";

/** Everything in docs/api by file name: the pages, and the HTTP API as OpenAPI. */
export function apiDocuments(contract: Contract): ReadonlyMap<string, string> {
  return new Map([
    ...apiPages(contract),
    ["openapi.json", `${JSON.stringify(openApi(contract), null, 1)}\n`],
  ]);
}

/** Names of the files in `folder` that are not what `pages` says: changed, missing or left over. */
export function differences(folder: string, pages: ReadonlyMap<string, string>): readonly string[] {
  const present = existsSync(folder) ? readdirSync(folder) : [];
  const read = (name: string): string | undefined =>
    present.includes(name) ? readFileSync(join(folder, name), "utf8") : undefined;
  return [...new Set([...present, ...pages.keys()])]
    .filter((name) => read(name) !== pages.get(name))
    .toSorted();
}

/** Makes `folder` hold the pages and nothing else. */
export function writePages(folder: string, pages: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true });
  for (const name of differences(folder, pages)) {
    const page = pages.get(name);
    if (page === undefined) rmSync(join(folder, name));
    else writeFileSync(join(folder, name), page);
  }
}

if (import.meta.main) {
  const folder = join(import.meta.dirname, "../docs/api");
  const pages = apiDocuments(readContract(buildSourceImage()));
  if (process.argv.includes("--check")) {
    const stale = differences(folder, pages);
    for (const name of stale) process.stdout.write(`docs/api/${name} is not what the contract says\n`);
    if (stale.length > 0) process.stdout.write("run node proto/api-docs.ts and commit docs/api\n");
    process.exitCode = stale.length === 0 ? 0 : 1;
  } else {
    writePages(folder, pages);
    process.stdout.write(`${pages.size} pages in docs/api\n`);
  }
}
