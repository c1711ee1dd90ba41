// Global set-up of a test run: a folder for what lives as long as the run, and one PostgreSQL for all test files (see
// impl/storage/testing), the server of TEST_DATABASE_URL when that is set. Both are taken away at the end.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestProject } from "vitest/node";
import { offerTestServer } from "./impl/storage/testing/test-server.ts";

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const scratch = await mkdtemp(join(tmpdir(), "grpc-ecommerce-tests-"));
  project.provide("scratch", scratch);
  const removeScratch = () => rm(scratch, { recursive: true, force: true, maxRetries: 10 });
  const given = process.env.TEST_DATABASE_URL ?? "";
  project.provide("testDatabaseUrl", given);
  if (given !== "") {
    project.provide("testServerPort", 0);
    return removeScratch;
  }
  const server = await offerTestServer(sleep);
  project.provide("testServerPort", server.port);
  return async () => {
    await server.stop();
    await removeScratch();
  };
}
