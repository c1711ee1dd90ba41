import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { CallError } from "./client/call-error.ts";
import { createRegistryDirectory } from "./client/registry-discovery.ts";
import { startGateway } from "./gateway/testing/forwarding-fixture.ts";
import { systemClock } from "./runtime/clock.ts";
import { Code } from "./runtime/status.ts";
import { ECHO_SERVICE } from "./runtime/testing/echo-service.ts";
import { recordingLogger } from "./runtime/testing/test-server.ts";
import { until } from "./runtime/testing/turns.ts";
import { registryFixture } from "./services/registry/testing/registry-fixture.ts";

const methods = { unary: {}, expand: { responseStream: true } } as const;
const script = fileURLToPath(new URL("testing/registered-echo.ts", import.meta.url));
const registry = await registryFixture();
const children = new Set<ChildProcess>();
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

function start(): ChildProcess {
  const child = spawn(process.execPath, [script, registry.server.address], { stdio: "inherit" });
  children.add(child);
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
  children.delete(child);
}

test("restarting the instances in turn fails no call, and every stream goes on where it was", async () => {
  const directory = createRegistryDirectory({
    client: registry.client,
    clock: systemClock,
    log: recordingLogger([]),
  });
  let running = [start(), start()];
  await directory.start();
  await using front = await startGateway(methods, directory.of(ECHO_SERVICE));
  const { client, backends } = front;
  const bothConnected = () => until(() => backends.connected(ECHO_SERVICE) === 2);
  await bothConnected();

  let done = false;
  let calls = 0;
  let resumed = 0;
  const caller = async (): Promise<void> => {
    while (!done) {
      expect(await client.unary("a")).toBe("a");
      calls += 1;
    }
  };
  const reader = async (): Promise<number> => {
    let last = 0;
    while (!done) {
      try {
        for await (const message of client.expand(String(last), { deadlineMs: 60_000 })) {
          expect(Number(message)).toBe(last + 1);
          last += 1;
          if (done) break;
        }
      } catch (error) {
        if (!(error instanceof CallError && error.code === Code.UNAVAILABLE)) throw error;
        resumed += 1;
      }
    }
    return last;
  };
  const callers = Array.from({ length: 4 }, caller);
  const readers = Array.from({ length: 6 }, reader);
  const work = Promise.all([...callers, ...readers]);
  const restart = async (): Promise<void> => {
    for (const child of running) {
      const before = calls;
      await stop(child);
      running = [...running.filter((other) => other !== child), start()];
      await bothConnected();
      await until(() => calls > before + 100);
    }
  };
  await Promise.race([restart(), work.then(() => {})]);
  done = true;
  await work;
  // Each stream was on one instance, and so lost it at least once, unless it moved to the new one between.
  expect(resumed).toBeGreaterThanOrEqual(readers.length);
  await directory.stop();
  await Promise.all(running.map(stop));
}, 30_000);
