import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { Code } from "#impl/runtime/status.ts";
import { echoDefinition, testSchema } from "#impl/runtime/testing/echo-service.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { CallError } from "./call-error.ts";
import { createBaseClient } from "./ecommerce-client.ts";
import { allReady } from "./testing/client-fixture.ts";

const methods = { unary: {} } as const;
const CALLERS = 16;

async function serve(port = 0): Promise<{ readonly process: ChildProcess; readonly port: number }> {
  const child = fork(new URL("testing/serve-echo.ts", import.meta.url), [`${port}`]);
  const [bound] = await once(child, "message");
  return { process: child, port: bound };
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

test("servers that are killed under load lose no call: each ends with its answer or an error, and a server that is back is used", async () => {
  const [first, second] = await Promise.all([serve(), serve()]);
  await using client = createBaseClient({
    addresses: [`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`],
    schema: testSchema(methods),
    slowStartMs: 0,
    channelOptions: { "grpc.initial_reconnect_backoff_ms": 100, "grpc.min_reconnect_backoff_ms": 100 },
  });
  const echo = client.of(echoDefinition(methods));
  await allReady(client);
  const outcomes = { begun: 0, answered: 0, failed: 0 };
  let running = true;
  const caller = async (): Promise<void> => {
    while (running) {
      const text = `${outcomes.begun++}`;
      try {
        expect(await echo.unary(text)).toBe(text);
        outcomes.answered += 1;
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        expect(error.code).toBe(Code.UNAVAILABLE);
        outcomes.failed += 1;
      }
    }
  };
  const callers = Promise.all(Array.from({ length: CALLERS }, caller));
  const answered = async (more: number): Promise<void> => {
    const enough = outcomes.answered + more;
    await until(() => outcomes.answered >= enough);
  };
  await answered(200);
  await kill(first.process);
  await answered(200);
  const back = await serve(first.port);
  await allReady(client);
  await until(() =>
    client
      .stats()
      .every(
        ({ ejected, breakers }) => !ejected && Object.values(breakers).every((state) => state === "closed"),
      ),
  );
  await answered(200);
  await kill(second.process);
  await answered(200);
  running = false;
  await callers;
  expect(outcomes.answered + outcomes.failed).toBe(outcomes.begun);
  // Those under way on a connection that breaks are tried again elsewhere, unless their answer had begun: at most all of them, at each kill.
  expect(outcomes.failed).toBeLessThanOrEqual(2 * CALLERS);
  await kill(back.process);
});
