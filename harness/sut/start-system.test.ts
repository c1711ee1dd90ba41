import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { parseReadyLine, repositoryRoot, type SystemOptions, startSystem } from "./start-system.ts";
import { SystemStartError } from "./system-start-error.ts";

const script = "harness/sut/testing/fake-system.ts";

function options(mode: string, more: Partial<SystemOptions> = {}): SystemOptions {
  return { name: mode, env: { FAKE: mode }, script, ...more };
}

describe("a system as a child process", () => {
  it("is ready with its addresses, tells its counters, and stops politely", async () => {
    const system = await startSystem(
      options("ready", { env: { FAKE: "ready", DATABASE_URL: "postgres://x" } }),
    );
    const runtime = await system.runtime();
    expect(runtime).toMatchObject({
      calls: 7,
      databaseQueries: 4,
      cpuMicros: 3,
      databaseUrl: "postgres://x",
    });
    expect(await system.metrics()).toContain("metric 1");
    const { nodes } = await system.profile(1);
    expect(nodes.map(({ callFrame }) => callFrame.url)).toEqual(["harness/sut/testing/fake-system.ts"]);
    expect(await system.stop()).toBe("stopped");
    expect(await system.ended).toBe("exit code 0");
    expect(isAlive(runtime.pid)).toBe(false);
  });

  it("reports a crash at start with the tail of its log", async () => {
    const failure = await startSystem(options("crash")).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SystemStartError);
    expect(failure).toMatchObject({ system: "crash", message: expect.stringContaining("exit code 3") });
    expect(failure).toMatchObject({ logTail: expect.stringContaining("cannot open the database") });
  });

  it("gives up on a system that never becomes ready, and leaves nothing running", async () => {
    const started = startSystem(options("silent", { startTimeoutMs: 3000 }));
    await expect(started).rejects.toThrow(
      /gave up waiting for it to print its ready line[\s\S]*still thinking/,
    );
  });

  it("gives up on a system that is up and not healthy", async () => {
    const never = startSystem(
      options("ready", { startTimeoutMs: 3000, serving: () => new Promise(() => {}) }),
    );
    await expect(never).rejects.toThrow(/gave up waiting for it to be healthy/);
  });

  it("stops waiting when the run is interrupted", async () => {
    const interrupt = new AbortController();
    const started = startSystem(options("silent", { signal: interrupt.signal }));
    interrupt.abort();
    await expect(started).rejects.toBeInstanceOf(SystemStartError);
  });

  it("kills the whole group of a system that ignores SIGTERM", async () => {
    const system = await startSystem(options("deaf", { stopTimeoutMs: 300 }));
    const grandchild = Number(/grandchild (\d+)/.exec(system.logTail())?.[1]);
    expect(isAlive(grandchild)).toBe(true);
    expect(await system.stop()).toBe("killed");
    expect(await system.ended).toBe("signal SIGKILL");
    await gone(grandchild);
  });

  it("does not outlive a harness that is killed", async () => {
    const harness = spawn(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `const { startSystem } = await import("./harness/sut/start-system.ts");
         const system = await startSystem({ name: "a", env: { FAKE: "grandchild" }, script: ${JSON.stringify(script)} });
         console.log("leader " + (await system.runtime()).pid, system.logTail().match(/grandchild \\d+/)[0]);
         setInterval(() => {}, 1000);`,
      ],
      { cwd: repositoryRoot, stdio: ["ignore", "pipe", "inherit"] },
    );
    const [line] = await once(createInterface({ input: harness.stdout }), "line");
    const [leader = 0, grandchild = 0] = String(line).match(/\d+/g)?.map(Number) ?? [];
    expect(isAlive(leader) && isAlive(grandchild)).toBe(true);
    harness.kill("SIGKILL");
    await gone(leader);
    await gone(grandchild);
  });
});

describe("the ready line", () => {
  it("is recognised among log lines, and nothing else is", () => {
    expect(parseReadyLine("ready grpc=127.0.0.1:5001 admin=127.0.0.1:9464")).toEqual({
      grpc: { host: "127.0.0.1", port: 5001 },
      admin: { host: "127.0.0.1", port: 9464 },
    });
    expect(parseReadyLine('{"msg":"ready grpc=1:1 admin=1:1"}')).toBeUndefined();
  });
});

/** Running, and not a zombie that init has yet to reap. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return existsSync(`/proc/${pid}/exe`);
}

async function gone(pid: number): Promise<void> {
  await expect.poll(() => isAlive(pid), { timeout: 8000, interval: 20 }).toBe(false);
}
