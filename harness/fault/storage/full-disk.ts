// The fault of a disk without a free byte. Only for a small file system: everything that is free on it is taken.

import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Fault } from "../fault.ts";

const CHUNK = Buffer.alloc(1024 * 1024);
const FILE = "filler";

/** `directory`: of the file system. */
export function fullDisk(directory: string): Fault {
  const file = join(directory, FILE);
  return {
    name: "full-disk",
    about: "there is no free byte on the disk of the data",
    strike: () => fill(file),
    heal: () => rm(file, { force: true }),
  };
}

/** With ever smaller writes, so that nothing is left. */
async function fill(file: string): Promise<void> {
  const handle = await open(file, "a");
  try {
    for (let size = CHUNK.byteLength; size >= 1; ) {
      const written = await handle.write(CHUNK, 0, size).then(
        ({ bytesWritten }) => bytesWritten,
        (error: unknown) => {
          if (error instanceof Error && "code" in error && error.code === "ENOSPC") return 0;
          throw error;
        },
      );
      if (written < size) size = Math.floor(size / 2);
    }
  } finally {
    await handle.close();
  }
}
