import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeDevelopmentCertificates } from "./development-certificates.ts";

const DAY_MS = 86_400_000;
const NOW = Date.parse("2030-01-01T00:00:00Z");

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "certs-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test("certificates are kept while they are good, and made again near their end, for other names and for a lost key", async () => {
  const folder = await emptyFolder();
  const make = async (now: number, hosts: readonly string[] = []): Promise<readonly string[]> =>
    (await makeDevelopmentCertificates(folder, { hosts, now })).made;
  expect(await make(NOW)).toEqual(["ca", "server", "client"]);
  expect(await make(NOW + DAY_MS)).toEqual([]);
  expect(await make(NOW, ["shop.example", "10.1.2.3"])).toEqual(["server"]);
  expect(await make(NOW)).toEqual([]);
  expect(await make(NOW + 61 * DAY_MS)).toEqual(["server", "client"]);
  await rm(join(folder, "client.key"));
  expect(await make(NOW + 61 * DAY_MS)).toEqual(["client"]);
  await rm(join(folder, "ca.crt"));
  expect(await make(NOW + 61 * DAY_MS)).toEqual(["ca", "server", "client"]);
});

test("the server's certificate carries this machine's names and those asked for, and files are their owner's only", async () => {
  const folder = await emptyFolder();
  const files = await makeDevelopmentCertificates(folder, { hosts: ["shop.example"], now: NOW });
  const server = new X509Certificate(await readFile(files.serverCert));
  expect(["localhost", "shop.example"].map((name) => server.checkHost(name))).toEqual([
    "localhost",
    "shop.example",
  ]);
  expect(["127.0.0.1", "::1"].map((ip) => server.checkIP(ip))).toEqual(["127.0.0.1", "::1"]);
  const modes = await Promise.all(
    (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).mode & 0o777),
  );
  expect(modes).toEqual(Array(6).fill(0o600));
});
