// Global set-up of a test run: offers one PostgreSQL to all test files (see impl/storage/testing), the server of
// TEST_DATABASE_URL when that is set, and takes the embedded one away at the end.
import { setTimeout as sleep } from "node:timers/promises";
import type { TestProject } from "vitest/node";
import { offerTestServer } from "./impl/storage/testing/test-server.ts";

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL ?? "";
  project.provide("testDatabaseUrl", given);
  if (given !== "") {
    project.provide("testServerPort", 0);
    return async () => {};
  }
  const server = await offerTestServer(sleep);
  project.provide("testServerPort", server.port);
  return server.stop;
}
