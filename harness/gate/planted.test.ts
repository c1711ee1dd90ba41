import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { parseBurden } from "./inject/parse-burden.ts";
import { plantedEnv } from "./planted.ts";

/** A server that answers one call of its own, and says what it cost and what came. */
const script = `
const http2 = require("node:http2");
const server = http2.createServer();
server.on("stream", (stream) => { stream.respond({ ":status": 200 }); stream.end("x"); });
server.listen(0, "127.0.0.1", () => {
  const client = http2.connect("http://127.0.0.1:" + server.address().port);
  const before = process.cpuUsage();
  const began = performance.now();
  const call = client.request();
  let padding = 0;
  call.on("response", (headers) => { padding = (headers["x-padding"] ?? "").length; });
  call.resume();
  call.on("close", () => {
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({ cpuMs: (user + system) / 1000, ms: performance.now() - began, padding }));
    client.close();
    server.close();
  });
});`;

it("burns, sleeps and pads in a process that does not know it", async () => {
  const burnt = await answerOf(plantedEnv({ burn: 150_000, pad: 40 }));
  expect(burnt).toMatchObject({ padding: 40 });
  expect(burnt.ms).toBeGreaterThanOrEqual(150);
  expect(burnt.cpuMs).toBeGreaterThan(120);
  const slept = await answerOf(plantedEnv({ wait: 300_000 }));
  expect(slept.ms).toBeGreaterThanOrEqual(300);
  expect(slept.cpuMs).toBeLessThan(slept.ms);
  expect(slept.padding).toBe(0);
});

it("is nothing when nothing is planted", () => {
  expect(plantedEnv({})).toEqual({});
  expect(plantedEnv({ pad: 3.4 }).GATE_INJECT).toBe("pad:3");
});

it("is read from a text, and a wrong one is refused by name", () => {
  expect(parseBurden("burn:5%,wait:100", "PLANT")).toEqual({ burn: 0, burnShare: 0.05, wait: 100, pad: 0 });
  for (const text of ["burn", "burn:-1", "wait:5%", "heat:3", "burn:1e9"]) {
    expect(() => parseBurden(text, "PLANT")).toThrow(`PLANT=${text}: must be`);
  }
  expect(plantedEnv(parseBurden("burn:5%,pad:40", "PLANT")).GATE_INJECT).toBe("burn:5%,pad:40");
});

async function answerOf(
  env: Record<string, string>,
): Promise<{ cpuMs: number; ms: number; padding: number }> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ["-e", script], { env: { ...process.env, ...env } });
  return JSON.parse(stdout);
}
