import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import { startProviderProcess } from "./provider-process.ts";
import { startTestProvider } from "./testing/provider-fixture.ts";

const provider = await startTestProvider();

test("a provider that serves a data directory is taken as it is, also by another process that is then killed", async () => {
  const { url, pid } = provider.process();
  const module = new URL("./provider-process.ts", import.meta.url).href;
  const clock = new URL("../runtime/clock.ts", import.meta.url).href;
  const script = `const { startProviderProcess } = await import(${JSON.stringify(module)});
    const { systemClock } = await import(${JSON.stringify(clock)});
    const { url, pid } = await startProviderProcess({ dataDir: ${JSON.stringify(provider.dataDir)}, clock: systemClock });
    process.stdout.write(JSON.stringify({ url, pid }) + "\\n");
    setInterval(() => {}, 1000);`;
  const shop = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface({ input: shop.stdout }), "line");
  expect(JSON.parse(line)).toEqual({ url, pid });
  shop.kill("SIGKILL");
  await once(shop, "exit");
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test("a provider that was killed is started again where it was", async () => {
  const { url, pid } = provider.process();
  await provider.restart();
  expect(provider.process().url).toBe(url);
  expect(provider.process().pid).not.toBe(pid);
});

test("a provider that cannot start says why", async () => {
  const config = { host: "192.0.2.1" };
  const dataDir = `${provider.dataDir}/other`;
  await expect(startProviderProcess({ dataDir, clock: systemClock, config })).rejects.toThrow(
    /EADDRNOTAVAIL/,
  );
});
