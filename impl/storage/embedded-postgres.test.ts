import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { isRunning } from "./data-directory-claim.ts";
import { type EmbeddedPostgresOptions, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { silentLog } from "./storage-log.ts";

let root = "";
let dataDir = "";
const opened: { stop: () => Promise<void> }[] = [];

beforeAll(async () => {
  // mkdtemp makes it mode 700: as root, the server's account may not enter it.
  root = await mkdtemp(join(tmpdir(), "embedded-"));
  dataDir = join(root, "deep", "data");
});
afterEach(() => Promise.all(opened.splice(0).map((server) => server.stop())));
afterAll(() => rm(root, { recursive: true }));

async function start(options: Partial<EmbeddedPostgresOptions> = {}) {
  const server = await startEmbeddedPostgres({ dataDir, durable: false, sleep, log: silentLog, ...options });
  opened.push(server);
  return server;
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

describe("an embedded PostgreSQL", () => {
  test("is a real server whose data survives a restart", async () => {
    const first = await start();
    expect(await query(first.url, "show server_version")).toEqual([
      { server_version: expect.stringMatching(/^18\./) },
    ]);
    await query(first.url, "create table kept (n int); insert into kept values (42)");
    await first.stop();
    await first.stop();
    expect(isRunning(first.pid)).toBe(false);
    const second = await start();
    expect(await query(second.url, "select n from kept")).toEqual([{ n: 42 }]);
  });

  test("listens on loopback only and asks for the password", async () => {
    const { url } = await start();
    expect(await query(url, "show listen_addresses")).toEqual([{ listen_addresses: "127.0.0.1" }]);
    await expect(query(url.replace(/:[^:]+@/, ":wrong@"), "select 1")).rejects.toMatchObject({
      code: "28P01",
    });
  });

  test("orders and folds case alike on every machine", async () => {
    const { url } = await start();
    expect(
      await query(url, "select lower('ÄÉ') as l, 'a' < 'B' as o, current_setting('timezone') as z"),
    ).toEqual([{ l: "äé", o: false, z: "UTC" }]);
  });

  test.skipIf(process.platform !== "linux")(
    "runs in a session that a Ctrl-C at our terminal does not reach",
    async () => {
      const { pid } = await start();
      const [, , , , group, session] = (await readFile(`/proc/${pid}/stat`, "utf8")).split(" ");
      expect([group, session]).toEqual([String(pid), String(pid)]);
    },
  );

  test("starts over a pid file that names some other process", async () => {
    await (await start()).stop();
    await writeFile(join(dataDir, "cluster", "postmaster.pid"), `${process.pid}\n/x\n1\n5432\n`);
    const { url } = await start();
    expect(await query(url, "select 1 as one")).toEqual([{ one: 1 }]);
  });
});

describe("an owner killed without warning", () => {
  async function owner() {
    const script = fileURLToPath(new URL("testing/embedded-owner.ts", import.meta.url));
    const child = spawn(process.execPath, [script, dataDir], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    const [pid = "", url = ""] = String(line).split(" ");
    return { child, pid: Number(pid), url };
  }

  async function kill(child: ChildProcess) {
    child.kill("SIGKILL");
    await once(child, "close");
  }

  test("takes its server down soon after", async () => {
    const { child, pid } = await owner();
    expect(isRunning(pid)).toBe(true);
    await kill(child);
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
  });

  test.skipIf(process.platform !== "linux")(
    "together with the watchdog leaves a server that the next start stops",
    async () => {
      const { child, pid, url } = await owner();
      await query(url, "create table before_the_kill (n int)");
      process.kill(await watchdogOf(pid), "SIGKILL");
      await kill(child);
      expect(isRunning(pid)).toBe(true);
      const next = await start();
      expect(isRunning(pid)).toBe(false);
      expect(await query(next.url, "select n from before_the_kill")).toEqual([]);
    },
  );

  test("still has its server while it lives: nobody else gets the directory", async () => {
    const { child, pid } = await owner();
    await expect(start()).rejects.toMatchObject({
      code: "DATA_DIR_IN_USE",
      message: expect.stringContaining(`${dataDir} is in use by process ${child.pid}`),
    });
    await kill(child);
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
  });

  async function watchdogOf(server: number): Promise<number> {
    for (const entry of await readdir("/proc")) {
      const command = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
      if (command.includes("kill -INT") && command.split("\0").includes(String(server))) return Number(entry);
    }
    throw new Error(`no watchdog of ${server}`);
  }
});

describe("a start is refused, with the value and the rule", () => {
  test("when the port is taken", async () => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    const address = squatter.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expect(start({ port })).rejects.toMatchObject({
      code: "PORT_TAKEN",
      message: expect.stringContaining(String(port)),
    });
    squatter.close();
    await once(squatter, "close");
  });

  test("when this process has started it already", async () => {
    await start();
    await expect(start()).rejects.toMatchObject({ code: "DATA_DIR_IN_USE" });
  });

  test("when the data is of another major version", async () => {
    const old = join(root, "old");
    await mkdir(join(old, "cluster"), { recursive: true });
    await writeFile(join(old, "cluster", "PG_VERSION"), "17\n");
    await expect(start({ dataDir: old })).rejects.toMatchObject({
      code: "OTHER_VERSION",
      message: expect.stringMatching(/17.*18/),
    });
    // Refused means untouched and unclaimed.
    expect(await readdir(old)).toEqual(["cluster"]);
  });

  test("when the password of the cluster is gone", async () => {
    const lost = join(root, "lost");
    await mkdir(join(lost, "cluster"), { recursive: true });
    await writeFile(join(lost, "cluster", "PG_VERSION"), "18\n");
    await expect(start({ dataDir: lost })).rejects.toMatchObject({
      code: "DATA_DIR_UNUSABLE",
      message: expect.stringContaining("password"),
    });
  });

  test("when the data directory is no directory", async () => {
    const file = join(root, "file");
    await writeFile(file, "");
    await expect(start({ dataDir: file })).rejects.toMatchObject({
      code: "DATA_DIR_UNUSABLE",
      message: expect.stringContaining(file),
    });
  });

  test("when the cluster is not one", async () => {
    const odd = join(root, "odd");
    await mkdir(join(odd, "cluster"), { recursive: true });
    await expect(start({ dataDir: odd })).rejects.toMatchObject({ code: "DATA_DIR_UNUSABLE" });
  });

  test.each([-1, 65_536, 1.5])("when the port is %d", async (port) => {
    await expect(start({ port })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});
