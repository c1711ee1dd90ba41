// Global set-up of a test run: a folder for what lives as long as the run, and one PostgreSQL for all test files (see
// impl/storage/testing), the server of TEST_DATABASE_URL when that is set. Both are taken away at the end, and of a server that stays, the
// databases of the scenarios.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestProject } from "vitest/node";
import { dropDatabases } from "./harness/sut/databases.ts";
import { offerTestServer } from "./impl/storage/testing/test-server.ts";

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const scratch = await mkdtemp(join(tmpdir(), "grpc-ecommerce-tests-"));
  project.provide("scratch", scratch);
  const removeScratch = () => rm(scratch, { recursive: true, force: true, maxRetries: 10 });
  const given = process.env.TEST_DATABASE_URL ?? "";
  const databasePrefix = `scenarios_${randomBytes(4).toString("hex")}_`;
  project.provide("testDatabaseUrl", given);
  project.provide("databasePrefix", databasePrefix);
  if (given !== "") {
    project.provide("testServerPort", 0);
    return async () => {
      await dropDatabases(given, databasePrefix);
      await removeScratch();
    };
  }
  const server = await offerTestServer(sleep);
  project.provide("testServerPort", server.port);
  return async () => {
    await server.stop();
    await removeScratch();
  };
}
