import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import { openLogOutput } from "./log-output.ts";
import { manualClock } from "./testing/manual-clock.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "log-output-"));
});
afterAll(() => rm(directory, { recursive: true }));

test("lines arrive in order and complete, however many there are", async () => {
  const destination = join(directory, "many");
  const output = openLogOutput({ destination, clock: systemClock });
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} äöü\n`);
  for (const line of lines) output.write(line);
  await output.close();
  expect(await readFile(destination, "utf8")).toBe(lines.join(""));
  expect(output.dropped).toBe(0);
});

test("a line waits no longer than it is told to, and an idle output holds no timer", async () => {
  const clock = manualClock();
  const destination = join(directory, "timed");
  const output = openLogOutput({ destination, clock, flushMs: 50 });
  output.write("one\n");
  output.write("two\n");
  expect(clock.pending).toBe(1);
  clock.advance(50);
  expect(clock.pending).toBe(0);
  await expect.poll(() => readFile(destination, "utf8")).toBe("one\ntwo\n");
  await output.close();
});

test("what comes after the close is dropped and counted, and no listener of the process stays", async () => {
  const before = process.listenerCount("exit") + process.listenerCount("beforeExit");
  const output = openLogOutput({ destination: join(directory, "closed"), clock: systemClock });
  await output.flush();
  await output.close();
  await output.close();
  output.write("late\nlater\n");
  expect(output.dropped).toBe(2);
  // pino has one listener of its own for all its destinations.
  expect(process.listenerCount("exit") + process.listenerCount("beforeExit")).toBeLessThanOrEqual(before + 2);
});

const PROGRAM = `
  import { openLogOutput } from ${JSON.stringify(new URL("log-output.ts", import.meta.url))};
  import { systemClock } from ${JSON.stringify(new URL("../runtime/clock.ts", import.meta.url))};
  const output = openLogOutput({ destination: 1, clock: systemClock, flushMs: 60_000 });
  output.write("first\\n");
  process.on("beforeExit", () => {});
`;

async function run(ending: string): Promise<{ out: string; error: string; code: number | null }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM + ending]);
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
  return { out, error, code: child.exitCode };
}

test.each([
  ["comes to its end", "", 0],
  ["exits at once", "process.exit(3);", 3],
  ["flushes and exits", "output.flushSync(); process.exit(4);", 4],
])("a process that %s has written its lines", async (_, ending, code) => {
  expect(await run(ending)).toEqual({ out: "first\n", error: "", code });
});

test("a reader that goes away does not end the process", async () => {
  const child = spawn(process.execPath, [
    "--input-type=module",
    "-e",
    `${PROGRAM}
     process.stdin.once("data", async () => {
       output.write("second\\n");
       await output.flush();
       output.write("third\\n");
       await output.close();
       process.stderr.write("alive, dropped " + output.dropped);
       process.exit(0);
     });`,
  ]);
  const error = text(child.stderr);
  child.stdout.destroy();
  await once(child.stdout, "close");
  child.stdin.end("go");
  expect(await error).toBe("alive, dropped 1");
});
