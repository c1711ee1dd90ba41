// A fresh database for a test file, on the one PostgreSQL of the test run, gone when the file has ended.

import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { afterAll, inject } from "vitest";
import { type Database, type DatabaseOptions, openDatabase } from "../database.ts";
import { type MigrationOptions, migrate } from "../migrations.ts";
import { silentLog } from "../storage-log.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A server given with TEST_DATABASE_URL, or "". */
    testDatabaseUrl: string;
    /** Where the embedded server of the run is asked for, or 0. */
    testServerPort: number;
  }
}

export type TestDatabase<T> = Database<T> & {
  /** For a second pool, a child process, or a plain client. */
  readonly url: string;
};

export type TestDatabaseOptions = Partial<DatabaseOptions> & {
  /** In this order. Default none. */
  readonly migrations?: readonly MigrationOptions[];
};

let made = 0;

/** Call it at the top of a test file or of a `describe`: it registers its own clean-up with `afterAll`. */
export async function testDatabase<T>(options: TestDatabaseOptions = {}): Promise<TestDatabase<T>> {
  const { migrations = [], ...overrides } = options;
  const server = inject("testDatabaseUrl") || (await askForServer(inject("testServerPort")));
  const name = `test_${process.pid}_${++made}`;
  await administer(server, `drop database if exists ${name} with (force)`);
  await administer(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const database = openDatabase<T>({
    url: url.href,
    sleep: (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }),
    random: () => 0.5,
    log: silentLog,
    ...overrides,
  });
  afterAll(async () => {
    await database.close();
    await administer(server, `drop database ${name} with (force)`);
  });
  for (const migration of migrations) await migrate(database, migration);
  return { ...database, url: url.href };
}

async function askForServer(port: number): Promise<string> {
  const answer = await text(connect(port, "127.0.0.1"));
  if (answer.startsWith("postgres")) return answer;
  throw new Error(`no PostgreSQL for the tests: ${answer}`);
}

async function administer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
