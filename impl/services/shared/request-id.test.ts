import { Client, credentials } from "@grpc/grpc-js";
import { sql } from "kysely";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { createClient } from "#impl/client/client.ts";
import type { Call } from "#impl/runtime/call.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { newId } from "#impl/runtime/ids.ts";
import { failedPrecondition } from "#impl/runtime/rpc-error.ts";
import { implement } from "#impl/runtime/service.ts";
import { Code } from "#impl/runtime/status.ts";
import { echoDefinition, testSchema, text } from "#impl/runtime/testing/echo-service.ts";
import { startTestServer } from "#impl/runtime/testing/test-server.ts";
import { testDatabase } from "#impl/storage/testing/test-database.ts";
import { createRequestIds } from "./request-id.ts";

const dayMs = 86_400_000;
const methods = { write: {}, other: {} } as const;
const definition = echoDefinition(methods);
const schema = testSchema(methods);
const db = await testDatabase();
await sql`create schema shop;
  create table shop.effects (text text not null);
  create table shop.request_records (
    scope text not null, request_id uuid not null, fingerprint bytea not null, response bytea,
    created_at timestamptz not null, primary key (scope, request_id)
  );`.execute(db.queries);

let now = 20_000 * dayMs;
const requestIds = createRequestIds(db, { schema: "shop", clock: { ...systemClock, now: () => now } });
let beforeCommit: () => Promise<void>;

/** "<request id> <text>" writes the text, and answers with it and its number. */
function write(request: string, call: Call): Promise<string> {
  const [requestId = "", content = ""] = request.split(" ");
  const identified = { call, requestId, content: Buffer.from(content), response: text };
  return requestIds.once(identified, async (transaction) => {
    await sql`insert into shop.effects values (${content})`.execute(transaction);
    await beforeCommit();
    const { rows } = await sql<{ n: bigint }>`select count(*) as n from shop.effects`.execute(transaction);
    return `${content} ${rows[0]?.n}`;
  });
}

/** Takes the caller's word for who it is. */
const identify: Link = (_, next) => (call, input) => {
  const userId = call.metadata.get("user");
  call.principal = userId === undefined ? undefined : { userId, roles: [], permissions: new Set() };
  return next(call, input);
};
const server = await startTestServer({
  schema,
  services: [implement(definition, { write, other: write })],
  links: [identify],
});
const channel = new Client(server.address, credentials.createInsecure());
const client = createClient(definition, { channel, schema, clock: systemClock });
afterAll(async () => {
  channel.close();
  await server.drain();
});

beforeEach(async () => {
  beforeCommit = async () => {};
  await sql`truncate shop.effects, shop.request_records`.execute(db.queries);
});

const effects = async () =>
  (await sql<{ text: string }>`select text from shop.effects`.execute(db.queries)).rows.map((r) => r.text);

describe("a repeated request", () => {
  test("gets the first answer and has no second effect, however its id is spelled", async () => {
    const id = newId();
    expect(await client.write(`${id} a`)).toBe("a 1");
    expect(await client.write(`${newId()} b`)).toBe("b 2");
    expect(await client.write(`${id.toUpperCase()} a`)).toBe("a 1");
    expect(await effects()).toEqual(["a", "b"]);
  });

  test("at the same time waits for the first, and all get one answer", async () => {
    const id = newId();
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.write(`${id} a`)));
    expect(new Set(answers)).toEqual(new Set(["a 1"]));
    expect(await effects()).toEqual(["a"]);
  });

  test("with another content is refused", async () => {
    const id = newId();
    await client.write(`${id} a`);
    await expect(client.write(`${id} b`)).rejects.toMatchObject({
      code: Code.ALREADY_EXISTS,
      reason: "REQUEST_ID_REUSED",
      details: { badRequest: { fieldViolations: [{ field: "request_id" }] } },
    });
    expect(await effects()).toEqual(["a"]);
  });

  test("is run when the first failed, and nothing of that one stays", async () => {
    const id = newId();
    beforeCommit = async () => {
      throw failedPrecondition("CLOSED", "shop", "the shop is closed");
    };
    await expect(client.write(`${id} a`)).rejects.toMatchObject({ reason: "CLOSED" });
    expect(await effects()).toEqual([]);
    beforeCommit = async () => {};
    expect(await client.write(`${id} a`)).toBe("a 1");
  });

  test("is run by the one that waited when the first fails while it waits", async () => {
    const id = newId();
    const inWork = Promise.withResolvers<void>();
    const fail = Promise.withResolvers<void>();
    beforeCommit = async () => {
      beforeCommit = async () => {};
      inWork.resolve();
      await fail.promise;
    };
    const first = client.write(`${id} a`);
    await inWork.promise;
    const second = client.write(`${id} a`);
    await expect.poll(() => db.load().busy, { timeout: 15_000 }).toBe(2);
    fail.reject(failedPrecondition("CLOSED", "shop", "the shop is closed"));
    await expect(first).rejects.toMatchObject({ reason: "CLOSED" });
    expect(await second).toBe("a 1");
  });
});

describe("the same id is another request", () => {
  test("from another caller, and for another method", async () => {
    const id = newId();
    const as = (user: string) => ({ metadata: { user } });
    expect(await client.write(`${id} a`, as("ada"))).toBe("a 1");
    expect(await client.write(`${id} a`, as("bob"))).toBe("a 2");
    expect(await client.write(`${id} a`)).toBe("a 3");
    expect(await client.other(`${id} a`, as("ada"))).toBe("a 4");
    expect(await client.write(`${id} a`, as("ada"))).toBe("a 1");
  });

  test("after the retention, even before the record was purged", async () => {
    const id = newId();
    await client.write(`${id} a`);
    now += dayMs;
    expect(await client.write(`${id} a`)).toBe("a 1");
    now += 1;
    expect(await client.write(`${id} b`)).toBe("b 2");
  });
});

test("without an id every request is new", async () => {
  expect(await client.write(" a")).toBe("a 1");
  expect(await client.write(" a")).toBe("a 2");
});

test("the purge deletes the records that are past the retention", async () => {
  await Promise.all(["a", "b"].map((content) => client.write(`${newId()} ${content}`)));
  now += dayMs + 1;
  const id = newId();
  await client.write(`${id} c`);
  expect(await requestIds.purge()).toBe(2);
  expect(await requestIds.purge()).toBe(0);
  expect(await client.write(`${id} c`)).toBe("c 3");
});

test("a retention shorter than promised is refused", () => {
  expect(() => createRequestIds(db, { schema: "shop", clock: systemClock, retentionMs: 1 })).toThrow(
    "retentionMs 1",
  );
});
