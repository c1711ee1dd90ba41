// A file system that is small enough to be filled: a tmpfs, for who may mount one.

import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";

export interface SmallFileSystem {
  readonly directory: string;
  /** Lets go of it at once, also while somebody uses it. */
  unmount(): Promise<void>;
}

const run = promisify(execFile);

/** At a directory, which is made. Rejects with the reason where it cannot be mounted. */
export async function mountSmall(directory: string, bytes: number): Promise<SmallFileSystem> {
  await mkdir(directory, { recursive: true });
  await run("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", directory]);
  return { directory, unmount: async () => void (await run("umount", ["-l", directory])) };
}

/** Why this machine mounts none; undefined: it does. `directory`: one that may be made and used to try. */
export async function whyNoMount(directory: string): Promise<string | undefined> {
  try {
    await (await mountSmall(directory, 65_536)).unmount();
    return undefined;
  } catch (error) {
    const said = error instanceof Error ? error.message.trim().split("\n").at(-1) : String(error);
    return `no file system can be mounted: ${said}`;
  }
}
