// A database of a scenario's own on the PostgreSQL of the run, which is the one of a container, of DATABASE_URL or an embedded one
// (harness/sut/backing-services.ts). It goes with the run.
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { inject } from "vitest";
import { createDatabase } from "#harness/sut/databases.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** What the names of databases begin with that are dropped at the end of the run. */
    databasePrefix: string;
  }
}

/** A Redis of the run, which `make scenarios` has found or started; undefined: there is none. */
export const redisUrl: string | undefined = process.env.SCENARIO_REDIS_URL || undefined;

let made = 0;

/** For DATABASE_URL. */
export async function scenarioDatabase(): Promise<string> {
  const server = inject("testDatabaseUrl") || (await embeddedServer());
  return createDatabase(server, `${inject("databasePrefix")}${process.pid}_${++made}`);
}

/** It is started when the first asks for it, over a port that the run's set-up listens on. */
async function embeddedServer(): Promise<string> {
  const answer = await text(connect(inject("testServerPort"), "127.0.0.1"));
  if (answer.startsWith("postgres")) return answer;
  throw new Error(`no PostgreSQL for the scenarios: ${answer}`);
}
