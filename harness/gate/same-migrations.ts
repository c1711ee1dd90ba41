// Whether head may start on a copy of base's database: it may when it knows everything that base has applied, as a deployment of
// head would find it. Then both arms read the same rows under the same ids, and answers are equal to the byte.

import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";

/** True when each migration in `base`, a directory of a checkout, is also in `head` with the same text. */
export async function continuesMigrations(base: string, head: string): Promise<boolean> {
  for await (const file of glob("impl/**/migrations/*.sql", { cwd: base })) {
    const [ours, theirs] = await Promise.all([
      readFile(join(base, file), "utf8"),
      readFile(join(head, file), "utf8").catch(missing),
    ]);
    if (ours !== theirs) return false;
  }
  return true;
}

function missing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
