import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { databaseCpuOf } from "./database-cpu.ts";

describe.runIf(process.platform === "linux")("the database's CPU time", () => {
  it("is that of the child called postgres and of its children, and grows while they work", async () => {
    const directory = await mkdtemp(join(tmpdir(), "database-cpu-"));
    const postmaster = join(directory, "postgres");
    await copyFile("/bin/sh", postmaster, 0);
    const child = spawn(postmaster, ["-c", "echo up; (while :; do :; done) & wait"], {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(child.stdout, "data");
      const cpu = await databaseCpuOf(process.pid);
      const before = (await cpu.micros()) ?? Number.NaN;
      await expect
        .poll(async () => ((await cpu.micros()) ?? Number.NaN) - before, { timeout: 5000 })
        .toBeGreaterThan(5000);
    } finally {
      process.kill(-(child.pid ?? Number.NaN), "SIGKILL");
      await once(child, "exit");
      await rm(directory, { recursive: true });
    }
  });

  it("is unknown, not zero, where the owner has no such child", async () => {
    const cpu = await databaseCpuOf(1 << 30);
    expect(await cpu.micros()).toBeUndefined();
  });
});
