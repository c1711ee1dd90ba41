// The migrations of one schema as files: NNNN_name.sql, applied in name order, known by a checksum of their text.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type MigrationFailure = "BAD_NAME" | "CHANGED" | "MISSING" | "OUT_OF_ORDER" | "FAILED";

/** Why a schema was not migrated. Nothing of the named migration has taken effect. */
export class MigrationError extends Error {
  readonly code: MigrationFailure;
  readonly schema: string;
  /** File name without ".sql". */
  readonly migration: string;

  constructor(code: MigrationFailure, schema: string, migration: string, rule: string, cause?: unknown) {
    super(`migration ${migration} of schema ${schema}: ${rule}`, { cause });
    this.name = "MigrationError";
    this.code = code;
    this.schema = schema;
    this.migration = migration;
  }
}

export type MigrationFile = { readonly name: string; readonly text: string; readonly checksum: string };

/** In name order. Other files than *.sql are left alone. */
export async function readMigrations(schema: string, folder: URL | string): Promise<MigrationFile[]> {
  const path = folder instanceof URL ? fileURLToPath(folder) : folder;
  const files = (await readdir(path)).filter((file) => file.endsWith(".sql")).sort();
  const numbers = new Set<string>();
  const read: MigrationFile[] = [];
  for (const file of files) {
    const name = file.slice(0, -".sql".length);
    const number = name.slice(0, 4);
    if (!/^\d{4}_[a-z0-9_]+$/.test(name)) {
      throw new MigrationError("BAD_NAME", schema, name, "must be named NNNN_lower_case.sql");
    }
    if (numbers.has(number)) {
      throw new MigrationError("BAD_NAME", schema, name, `number ${number} is used twice`);
    }
    numbers.add(number);
    // A checkout with other line ends is the same migration.
    const text = (await readFile(join(path, file), "utf8")).replaceAll("\r\n", "\n");
    read.push({ name, text, checksum: createHash("sha256").update(text).digest("hex") });
  }
  return read;
}
