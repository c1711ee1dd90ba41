// The compiled contract with its comments, which the committed image leaves out: `buf build` on the spot.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

/** A serialized FileDescriptorSet with source info. Throws when the schema does not compile. */
export function buildSourceImage(): Uint8Array {
  return execFileSync(join(ROOT, "node_modules/.bin/buf"), ["build", "proto", "-o", "-"], {
    cwd: ROOT,
    maxBuffer: 64 << 20,
  });
}
