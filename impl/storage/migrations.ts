// Brings a schema up to date at start: forward only, each migration in a transaction together with the row that
// records it. What is recorded must be a prefix of the files, unchanged, or nothing runs. Each step takes the
// schema's advisory lock and looks again, so any number of processes may start at once.
import { type Kysely, sql, type Transaction } from "kysely";
import type { Database } from "./database.ts";
import { MigrationError, type MigrationFile, readMigrations } from "./migration-files.ts";

export type MigrationOptions = {
  /** Made when missing. Lower-case letters, digits and _. Inside the files it comes first on the search path. */
  readonly schema: string;
  readonly folder: URL | string;
  /** The table in the schema that lists what was applied: one for each folder that is applied to it. Default "migrations". */
  readonly history?: string;
};

type Place = { readonly schema: string; readonly history: string };

type Applied = { name: string; checksum: string };

/** The names of the migrations that this call applied. Fails with MigrationError. */
export async function migrate<T>(
  { queries, log }: Database<T>,
  { schema, folder, history = "migrations" }: MigrationOptions,
): Promise<string[]> {
  for (const name of [schema, history]) {
    if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) {
      throw new RangeError(`${name} in schema ${schema}: must be lower-case letters, digits and _`);
    }
  }
  const files = await readMigrations(schema, folder);
  const applied: string[] = [];
  for (;;) {
    const name = await applyNext(queries, { schema, history }, files);
    if (name === undefined) return applied;
    log.info({ schema, migration: name }, "migration applied");
    applied.push(name);
  }
}

/** Applies at most one. Undefined when there is nothing left. */
async function applyNext<T>(
  queries: Kysely<T>,
  { schema, history }: Place,
  files: readonly MigrationFile[],
): Promise<string | undefined> {
  return await queries.transaction().execute(async (transaction) => {
    // Another process may be at a long migration while we wait for the lock.
    await sql`set local statement_timeout = 0`.execute(transaction);
    await sql`select pg_advisory_xact_lock(hashtextextended(${`migrations of ${schema}`}, 0))`.execute(
      transaction,
    );
    const next = nextOf(schema, files, await appliedTo(transaction, { schema, history }));
    if (next === undefined) return undefined;
    await sql`set local search_path = ${sql.id(schema)}, public`.execute(transaction);
    await sql
      .raw(next.text)
      .execute(transaction)
      .catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new MigrationError("FAILED", schema, next.name, why, cause);
      });
    await sql`insert into ${sql.table(`${schema}.${history}`)} (name, checksum)
      values (${next.name}, ${next.checksum})`.execute(transaction);
    return next.name;
  });
}

async function appliedTo<T>(
  transaction: Transaction<T>,
  { schema, history }: Place,
): Promise<readonly Applied[]> {
  await sql`create schema if not exists ${sql.id(schema)}`.execute(transaction);
  await sql`create table if not exists ${sql.table(`${schema}.${history}`)} (
    name text collate "C" primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
  )`.execute(transaction);
  const { rows } = await sql<Applied>`
    select name, checksum from ${sql.table(`${schema}.${history}`)} order by name`.execute(transaction);
  return rows;
}

function nextOf(
  schema: string,
  files: readonly MigrationFile[],
  applied: readonly Applied[],
): MigrationFile | undefined {
  const byName = new Map(files.map((file) => [file.name, file]));
  for (const { name, checksum } of applied) {
    const file = byName.get(name);
    if (file === undefined) {
      throw new MigrationError("MISSING", schema, name, "was applied, and its file is gone: put it back");
    }
    if (file.checksum !== checksum) {
      throw new MigrationError(
        "CHANGED",
        schema,
        name,
        "was changed after it was applied: add a new one instead",
      );
    }
  }
  const done = new Set(applied.map(({ name }) => name));
  const next = files.find(({ name }) => !done.has(name));
  const last = applied.at(-1)?.name;
  if (next !== undefined && last !== undefined && next.name < last) {
    throw new MigrationError("OUT_OF_ORDER", schema, next.name, `must come after ${last}, which is applied`);
  }
  return next;
}
