// A simulated payment provider, a stand-in for those that the world has, as a process of its own:
//   node impl/payment-provider/main.ts <data directory>
// It reads <data directory>/config.json, journals what it does beside it, and says "ready <url>" when it serves. It outlives whoever started
// it, and what it has done outlives itself.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { createProvider } from "./provider.ts";
import { readProviderConfig } from "./provider-config.ts";
import { startProviderServer } from "./provider-server.ts";

const [dataDir = "."] = process.argv.slice(2);
mkdirSync(dataDir, { recursive: true, mode: 0o700 });
const config = readProviderConfig(dataDir);
const clock = systemClock;
const onError = (error: unknown): void => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
};
const provider = createProvider({
  journalPath: join(dataDir, "journal.ndjson"),
  webhookSecret: config.webhookSecret,
  behavior: config.behavior,
  clock,
  newId,
  onError,
});
const server = await startProviderServer({
  provider,
  host: config.host,
  port: config.port,
  apiKey: config.apiKey,
  clock,
  newId,
  onError,
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    provider.stop();
    void server.close().then(() => process.exit(0));
  });
}
// Whoever reads it may be gone, and the disk of the log full.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
process.stdout.write(`ready http://${config.host}:${server.port}\n`);
