// A copy of the shop's sources with a defect in it, inside the checkout so that it shares the file system and the dependencies.

import { cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Replacement } from "./planted-defects.ts";

export interface PlantedTree {
  readonly directory: string;
  remove(): Promise<void>;
}

/** All that the shop runs on. */
const SOURCES = ["impl", "proto", "wire", "package.json", "package-lock.json", "tsconfig.json"];

/** `name`: of a folder in .data. Throws as `planted` does, and leaves nothing behind then. */
export async function plantTree(
  root: string,
  name: string,
  replacements: readonly Replacement[],
): Promise<PlantedTree> {
  const directory = join(root, ".data", `${name}-${process.pid}`);
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    await mkdir(directory, { recursive: true });
    for (const source of SOURCES) await cp(join(root, source), join(directory, source), { recursive: true });
    await symlink(join(root, "node_modules"), join(directory, "node_modules"));
    for (const replacement of replacements) {
      const file = join(directory, replacement.file);
      await writeFile(file, planted(await readFile(file, "utf8"), replacement));
    }
    return { directory, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Throws an Error unless the text stands there exactly once. */
export function planted(source: string, { file, from, to }: Replacement): string {
  const found = source.split(from).length - 1;
  if (found !== 1) {
    throw new Error(
      `${file}: ${JSON.stringify(from)} must stand there once to be replaced, and does ${found} times`,
    );
  }
  return source.replace(from, () => to);
}
