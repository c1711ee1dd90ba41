import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { said, write } from "#impl/storage/testing/event-writing.ts";
import { testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { createPageTokens } from "./page-token.ts";
import { serveTexts, type TextMessage } from "./testing/text-stream.ts";

const database = await testDatabase();
const log = await testEventLog(database, "shop");

/** The present state: the last thing that was said. */
async function* lastSaid(): AsyncGenerator<TextMessage> {
  const { rows } = await sql<{ text: string }>`
    select convert_from(payload, 'utf8') as text from shop.outbox order by sequence desc limit 1`.execute(
    database.queries,
  );
  for (const { text } of rows) yield { snapshot: text, resumeToken: "" };
  yield { snapshot: "end", resumeToken: "" };
}

async function forgetEvents(): Promise<void> {
  const head = await log.head();
  await sql`delete from shop.outbox where position <= ${head}`.execute(database.queries);
  await sql`update shop.outbox_head set purged_through = ${head}`.execute(database.queries);
}

describe("an event stream", () => {
  test("cut after any of its messages goes on with the next", async () => {
    await using served = await serveTexts(log);
    const whole = await served.open();
    const said1to8 = ["1", "2", "3", "4", "5", "6", "7", "8"];
    for (const text of said1to8) await write(database, log, said(text));
    for (let cut = 0; cut < said1to8.length; cut++) {
      const { text, resumeToken } = await whole.next();
      expect(text).toBe(said1to8[cut]);
      const rest = await served.open(resumeToken);
      expect(await rest.texts(said1to8.length - cut - 1)).toEqual(said1to8.slice(cut + 1));
      rest.cancel();
    }
    whole.cancel();
  });

  test("of a drained server names its place in the trailers, also before its first message", async () => {
    const draining = await serveTexts(log);
    const [some, none] = [await draining.open(), await draining.open()];
    await write(database, log, said("1"));
    expect(await some.texts(1)).toEqual(["1"]);
    expect(await none.texts(1)).toEqual(["1"]);
    const late = await draining.open();
    await draining.server.drain();
    await write(database, log, said("2"), said("3"));
    await using next = await serveTexts(log);
    for (const stream of [some, none, late]) {
      const error = await stream.end();
      expect(error).toMatchObject({ code: Code.UNAVAILABLE, reason: "SERVER_DRAINING" });
      const resumed = await next.open(String(error?.trailers.get("resume-token")[0]));
      expect(await resumed.texts(2)).toEqual(["2", "3"]);
      resumed.cancel();
    }
    draining.channel.close();
  });

  test("ends with OK after its last message", async () => {
    await using served = await serveTexts(log, { isLast: ({ text }) => text === "last" });
    const stream = await served.open();
    await write(database, log, said("first"), said("last"), said("too late"));
    expect(await stream.texts(2)).toEqual(["first", "last"]);
    expect(await stream.end()).toBeUndefined();
  });

  test("lets go of its subscription when its caller leaves", async () => {
    let closed = 0;
    const watched: typeof log = {
      ...log,
      subscribe(options) {
        const subscription = log.subscribe(options);
        return {
          next: (timeoutMs) => subscription.next(timeoutMs),
          [Symbol.asyncIterator]: () => subscription[Symbol.asyncIterator](),
          get position() {
            return subscription.position;
          },
          close() {
            closed += 1;
            subscription.close();
          },
        };
      },
    };
    await using served = await serveTexts(watched);
    const stream = await served.open();
    stream.cancel();
    await until(() => closed === 1 && served.server.openCalls === 0);
  });
});

describe("silence", () => {
  test("is broken by heartbeats, whose tokens go on after everything that did not match", async () => {
    await using served = await serveTexts(log, {
      heartbeatMs: 20,
      update: (event) => (event.keys.includes("mine") ? { text: "mine", resumeToken: "" } : undefined),
    });
    const stream = await served.open();
    await write(database, log, said("1"), said("2"));
    const head = await log.head();
    await forgetEvents();
    await write(database, log, said("3", "mine"));
    while ((await stream.next()).text !== "mine");
    const beat = await stream.next();
    expect(beat.heartbeat).toBeGreaterThan(0);
    expect(await log.head()).toBe(head + 1n);
    stream.cancel();
    await forgetEvents();
    const resumed = await served.open(beat.resumeToken);
    expect((await resumed.next()).heartbeat).toBeGreaterThan(0);
    resumed.cancel();
  });
});

describe("a snapshot", () => {
  test("comes before the changes, and what is written while it is read is not lost", async () => {
    await write(database, log, said("before"));
    let reading = 0;
    await using served = await serveTexts(log, {
      start: "snapshot",
      async *snapshot() {
        yield* lastSaid();
        if (++reading === 1) await write(database, log, said("meanwhile"));
      },
    });
    const stream = await served.open();
    const [first, last] = [await stream.next(), await stream.next()];
    expect([first.snapshot, last.snapshot]).toEqual(["before", "end"]);
    expect(await stream.texts(1)).toEqual(["meanwhile"]);

    // Cut within: all of it again, as it is by then. Cut at its end: the changes.
    const within = await served.open(first.resumeToken);
    expect((await within.next()).snapshot).toBe("meanwhile");
    const atEnd = await served.open(last.resumeToken);
    expect(await atEnd.texts(1)).toEqual(["meanwhile"]);
    for (const each of [stream, within, atEnd]) each.cancel();
  });

  test("without anything in it is followed by the changes", async () => {
    await using served = await serveTexts(log, { start: "snapshot", async *snapshot() {} });
    const stream = await served.open();
    await until(() => stream.call.resumeToken !== undefined);
    await log.head();
    await write(database, log, said("1"));
    expect(await stream.texts(1)).toEqual(["1"]);
    stream.cancel();
  });
});

describe("a token", () => {
  test("whose events are no longer kept gets one of the present state", async () => {
    const restarted = await testEventLog(database, "shop");
    await using served = await serveTexts(log, { snapshot: lastSaid });
    const stream = await served.open();
    await write(database, log, said("1"), said("2"));
    const { resumeToken } = await stream.next();
    stream.cancel();
    await forgetEvents();
    await write(database, log, said("3"));
    await using other = await serveTexts(restarted, { snapshot: lastSaid });
    const error = await (await other.open(resumeToken)).end();
    expect(error).toMatchObject({ code: Code.OUT_OF_RANGE, reason: "RESUME_TOKEN_EXPIRED" });
    const { snapshotToken = "", oldestEventTime } = error?.details.resumeExpired ?? {};
    expect(oldestEventTime).toBeInstanceOf(Date);
    const begun = await other.open(snapshotToken);
    expect((await begun.next()).snapshot).toBe("3");
    expect((await begun.next()).snapshot).toBe("end");
    await write(database, log, said("4"));
    expect(await begun.texts(1)).toEqual(["4"]);
    begun.cancel();
  });

  test("that is too old itself gets one too", async () => {
    const clock = manualClock();
    const tokens = createPageTokens({ key: new Uint8Array(32), clock, lifetimeMs: 1_000 });
    await using served = await serveTexts(log, { tokens, snapshot: lastSaid });
    const stream = await served.open();
    await write(database, log, said("1"));
    const { resumeToken } = await stream.next();
    clock.advance(1_001);
    const error = await (await served.open(resumeToken)).end();
    expect(error).toMatchObject({ code: Code.OUT_OF_RANGE, reason: "RESUME_TOKEN_EXPIRED" });
    const begun = await served.open(error?.details.resumeExpired?.snapshotToken);
    expect((await begun.next()).snapshot).toBe("1");
    for (const each of [stream, begun]) each.cancel();
  });

  test.each([
    ["of other arguments", { boundTo: "others" }],
    ["of another stream", { purpose: "others.1" }],
  ])("%s is refused", async (_, changes) => {
    await using served = await serveTexts(log);
    await using others = await serveTexts(log, changes);
    const stream = await served.open();
    await write(database, log, said("1"));
    const error = await (await others.open((await stream.next()).resumeToken)).end();
    expect(error).toMatchObject({ code: Code.INVALID_ARGUMENT });
    expect(error?.details.badRequest?.fieldViolations[0]?.field).toBe("resume_token");
    stream.cancel();
  });
});

test("a reader that does not read is ended, loses nothing and keeps nobody waiting", async () => {
  const clock = manualClock();
  const impatient = await testEventLog(database, "shop", { clock });
  await using served = await serveTexts(impatient);
  const [slow, quick] = [await served.open(), await served.open()];
  const count = 600;
  const long = Array.from({ length: count }, (_, n) => `${n} ${"x".repeat(5_000)}`);
  // grpc-js holds a stream back only once it was read from.
  await write(database, impatient, said("first"));
  expect([await slow.texts(1), await quick.texts(1)]).toEqual([["first"], ["first"]]);
  for (let n = 0; n < count; n += 100) {
    await write(database, impatient, ...long.slice(n, n + 100).map((text) => said(text)));
  }
  expect(await quick.texts(count)).toEqual(long);
  expect(slow.call.finished).toBe(false);
  // It has asked for nothing since its window and its queue were full.
  expect(slow.call.sentBytes).toBeLessThan(1_000_000);
  clock.advance(30_000);
  await until(() => slow.call.finished);
  expect(quick.call.finished).toBe(false);

  const got: (string | undefined)[] = [];
  const read = async () => {
    for (;;) got.push((await slow.next()).text);
  };
  const error = await read().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: Code.RESOURCE_EXHAUSTED, reason: "SLOW_CONSUMER" });
  expect(got.length).toBeLessThan(count);
  const token = Reflect.get(Object(error), "trailers").get("resume-token")[0];
  const resumed = await served.open(token);
  expect([...got, ...(await resumed.texts(count - got.length))]).toEqual(long);
  for (const each of [quick, resumed]) each.cancel();
});
