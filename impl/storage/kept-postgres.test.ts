import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isRunning } from "./data-directory-claim.ts";
import { type KeptPostgres, keepEmbeddedPostgres } from "./kept-postgres.ts";
import { silentLog } from "./storage-log.ts";

let root = "";
let server: KeptPostgres;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kept-"));
  server = await keepEmbeddedPostgres({ dataDir: join(root, "data"), sleep, log: silentLog });
});
afterAll(async () => {
  await server.stop();
  await rm(root, { recursive: true });
});

async function query(text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.url });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** As a caller does that retries. */
async function queryWhenBack(text: string): Promise<unknown[]> {
  for (;;) {
    try {
      return await query(text);
    } catch {
      await sleep(20);
    }
  }
}

test("a server that is killed comes back at the same address with what was committed, again and again", async () => {
  await query("create table kept (n int)");
  for (const n of [1, 2]) {
    await query(`insert into kept values (${n})`);
    const killed = server.pid() ?? 0;
    process.kill(killed, "SIGKILL");
    const rows = await queryWhenBack("select count(*)::int as n from kept");
    expect(rows).toEqual([{ n }]);
    expect(server.pid()).not.toBe(killed);
  }
});

test("a server that is stopped stays stopped", async () => {
  const pid = server.pid() ?? 0;
  await server.stop();
  await server.stop();
  expect(isRunning(pid)).toBe(false);
  expect(server.pid()).toBeUndefined();
});
