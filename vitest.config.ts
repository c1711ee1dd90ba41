import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// One project, real servers in every test file: a file may be slow to start but never waits on a clock.
// biome-ignore lint/style/noDefaultExport: vitest reads its configuration from the default export.
export default defineConfig({
  test: {
    include: ["{proto,wire,impl,harness,scenarios}/**/*.test.ts"],
    environment: "node",
    globalSetup: ["./vitest.setup-postgres.ts"],
    // CI reads the counts from the file that TEST_RESULT names.
    reporters: process.env.TEST_RESULT
      ? ["default", ["json", { outputFile: process.env.TEST_RESULT }]]
      : ["default"],
    pool: "forks",
    // A worker imports a module once, not once a file: a third of the time. A test file leaves nothing behind.
    isolate: false,
    // Files wait for sockets and for PostgreSQL more than they compute; they share one server, which bounds how many help.
    maxWorkers: Math.min(4, Math.max(2, availableParallelism())),
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // The default of a second is a clock to wait on: a busy machine takes longer.
    expect: { poll: { timeout: 10_000, interval: 10 } },
    passWithNoTests: false,
  },
});
