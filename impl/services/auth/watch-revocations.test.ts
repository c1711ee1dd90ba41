// The stream of revocations, and the feed with which every process follows it, over real servers that come and go.
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, expect, test } from "vitest";
import { type RevocationFeed, startRevocationFeed } from "#impl/auth/revocation-feed.ts";
import { createRevocationSet } from "#impl/auth/revocation-set.ts";
import { type ClientOf, createClient } from "#impl/client/client.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { implement } from "#impl/runtime/service.ts";
import {
  ecommerceSchema,
  type LogLine,
  recordingLogger,
  startTestServer,
} from "#impl/runtime/testing/test-server.ts";
import { testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { AuthServiceDefinition } from "#proto/ecommerce/v1/auth.ts";
import { createPageTokens } from "../shared/page-token.ts";
import { authSchema } from "./auth-tables.ts";
import { createRevocations, REVOCATION_EFFECT_MS, type RevocationTarget } from "./revocations.ts";
import { watchRevocations } from "./watch-revocations.ts";

const schema = ecommerceSchema();
const database = await testDatabase<unknown>({ migrations: [authSchema] });
const events = await testEventLog(database, authSchema.schema);
const clock = systemClock;
const revocations = createRevocations({ database, events, clock });
const tokens = createPageTokens({ key: new Uint8Array(32).fill(7), clock });
const stopping: Array<() => Promise<void>> = [];
afterAll(async () => {
  for (const stop of stopping.reverse()) await stop();
});

async function startServing() {
  const server = await startTestServer({
    schema,
    services: [
      implement(AuthServiceDefinition, {
        watchRevocations: (request, call) => watchRevocations({ revocations, events, tokens }, request, call),
      }),
    ],
  });
  const channel = new Client(server.address, credentials.createInsecure());
  const stop = async (): Promise<void> => {
    channel.close();
    await server.drain();
  };
  stopping.push(stop);
  return { client: createClient(AuthServiceDefinition, { channel, schema, clock }), server, stop };
}

/** A process that follows whatever server `now` gives. */
function startFollowing(now: () => ClientOf<AuthServiceDefinition>) {
  const set = createRevocationSet({ clock });
  const lines: LogLine[] = [];
  const feed: RevocationFeed = startRevocationFeed({
    watch: (request, options) => now().watchRevocations(request, options),
    revocations: set,
    clock,
    log: recordingLogger(lines),
    random: () => 0,
  });
  stopping.push(() => feed.stop());
  return { set, feed, lines };
}

async function revoke(
  $case: RevocationTarget["$case"],
  value = newId(),
  time = clock.now(),
): Promise<string> {
  await inTransaction(database, (transaction) =>
    revocations.revoke(transaction, { $case, value }, new Date(time)),
  );
  revocations.committed();
  return value;
}

test("begins with all that is still of effect, goes on with what follows, and resumes where it was", async () => {
  const { client } = await startServing();
  const over = await revoke("userId", newId(), clock.now() - REVOCATION_EFFECT_MS);
  const [user, key] = [await revoke("userId"), await revoke("apiKeyId")];
  const seen: string[] = [];
  const stop = new AbortController();
  let resumeToken = "";
  const read = async (until: string): Promise<void> => {
    for await (const message of client.watchRevocations({ resumeToken }, { signal: stop.signal })) {
      resumeToken = message.resumeToken;
      if (message.event?.$case !== "revocation") continue;
      const id = message.event.value.target?.value ?? "";
      seen.push(id);
      if (id === until) return;
    }
  };
  const reading = read("the session");
  await expect.poll(() => seen.includes(user) && seen.includes(key)).toBe(true);
  await revoke("sessionId", "the session");
  await reading;
  expect(seen).not.toContain(over);
  const before = seen.length;
  const next = await revoke("sessionId");
  await read(next);
  expect(seen.slice(before)).toEqual([next]);
});

test("processes hear of what is revoked", async () => {
  const { client } = await startServing();
  const processes = [startFollowing(() => client), startFollowing(() => client)];
  for (const { feed } of processes) await expect.poll(() => feed.up).toBe(true);
  const sessionId = await revoke("sessionId");
  for (const { set } of processes) {
    await expect.poll(() => set.isRevoked({ userId: "a", sessionId, issuedAtMs: clock.now() })).toBe(true);
  }
});

test("while the stream is down tokens work, it is told once, and what was missed is heard when it is back", async () => {
  const first = await startServing();
  let current = first.client;
  const { set, feed, lines } = startFollowing(() => current);
  await expect.poll(() => feed.up).toBe(true);
  await first.stop();
  await expect.poll(() => feed.up).toBe(false);
  const sessionId = await revoke("sessionId");
  const token = { userId: "a", sessionId, issuedAtMs: clock.now() };
  expect(set.isRevoked(token)).toBe(false);
  await expect.poll(() => lines.filter(({ level }) => level === "warn").length).toBe(1);
  current = (await startServing()).client;
  await expect.poll(() => set.isRevoked(token), { timeout: 5_000 }).toBe(true);
  expect(feed.up).toBe(true);
  expect(lines.map(({ level }) => level)).toEqual(["warn", "info"]);
});
