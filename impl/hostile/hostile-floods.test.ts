// More of something than a caller needs: the connection ends or the excess is refused, memory stays bounded, and everyone else is served.
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { EchoOptions } from "#impl/client/testing/echo.ts";
import { text } from "#impl/runtime/testing/echo-service.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { Flag, FrameType, frame, pingFrame, rstStreamFrame } from "#wire/frames.ts";
import { settingsFrame } from "#wire/settings.ts";
import {
  call,
  compressed,
  data,
  headerBlock,
  lastData,
  NOTHING,
  open,
  repeated,
} from "./testing/hostile-frames.ts";
import { expectHealthy, type HostileServer, startHostileServer } from "./testing/hostile-server.ts";
import { greeting, type RawCaller, rawCaller } from "./testing/raw-caller.ts";

const MIB = 1024 * 1024;

let target: HostileServer;
beforeAll(async () => {
  target = await startHostileServer({ maxStreamsPerConnection: 100, maxMessageBytes: 4 * MIB });
});
afterAll(() => target[Symbol.asyncDispose]());

async function start(limits: EchoOptions["limits"]): Promise<HostileServer> {
  const server = await startHostileServer(limits);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** Most that the resident memory was over its beginning while `work` ran. */
async function growth(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 5);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(most, process.memoryUsage.rss()) - before;
}

const streamIds = (count: number): number[] => Array.from({ length: count }, (_, n) => 2 * n + 1);

test.for<[what: string, bytes: () => Buffer, outcome: RegExp]>([
  ["PING", () => repeated(1_000, () => pingFrame(Buffer.alloc(8), false)), /^goaway ENHANCE_YOUR_CALM$/],
  [
    "SETTINGS",
    () => repeated(1_000, () => settingsFrame({ initialWindowBytes: 1_000 })),
    /^goaway ENHANCE_YOUR_CALM$/,
  ],
  [
    "streams opened and reset",
    () => Buffer.concat(streamIds(5_000).flatMap((id) => [open("collect", {}, id), rstStreamFrame(id, 8)])),
    /^goaway|^closed$/,
  ],
  [
    "CONTINUATION",
    () =>
      Buffer.concat([
        open("unary", {}, 1, 0),
        repeated(1_000, () => frame(FrameType.CONTINUATION, 0, 1, headerBlock("unary").subarray(0, 2))),
      ]),
    /^goaway|^closed$/,
  ],
  [
    "DATA frames of nothing",
    () => Buffer.concat([open("collect"), repeated(5_000, () => data(NOTHING))]),
    /^goaway|^closed$/,
  ],
  [
    "frames of an unknown type on closed streams",
    () => repeated(5_000, () => rstStreamFrame(1, 8)),
    /^goaway|^closed$/,
  ],
])("a flood of %s ends its connection", async ([, bytes, outcome]) => {
  await using caller = await rawCaller(target.server.port);
  const other = target.client.unary("at the same time");
  caller.say(greeting(), bytes());
  expect(await caller.outcome(99_999)).toMatch(outcome);
  expect(await other).toBe("at the same time");
  await caller.closed;
  await expectHealthy(target);
});

test("PINGs that go with calls are no flood", async () => {
  await using caller = await rawCaller(target.server.port);
  caller.say(greeting());
  for (const id of streamIds(90)) {
    caller.say(
      repeated(3, () => pingFrame(Buffer.alloc(8), false)),
      call("unary", {}, id),
    );
    expect(await caller.outcome(id)).toBe("status 0");
  }
});

test("a header that names one large entry of the table thousands of times is refused without its weight", async () => {
  await using caller = await rawCaller(target.server.port);
  const large = headerBlock("unary");
  // A literal that enters the dynamic table, as its first entry, number 62; then that entry again and again.
  const name = Buffer.from("x-a");
  const value = Buffer.alloc(4_000, "v");
  const entry = Buffer.concat([Buffer.of(0x40, name.length), name, Buffer.of(0x7f, 0xa1, 0x1e), value]);
  const bomb = Buffer.concat([large, entry, Buffer.alloc(10_000, 0x80 | 62)]);
  const grown = await growth(async () => {
    caller.say(greeting(), frame(FrameType.HEADERS, Flag.END_HEADERS, 1, bomb));
    expect(await caller.outcome()).toMatch(/^reset ENHANCE_YOUR_CALM$|^goaway/);
  });
  expect(grown).toBeLessThan(64 * MIB);
  await expectHealthy(target);
});

test("a connection that opens more streams than it was told it may ends", async () => {
  await using caller = await rawCaller(target.server.port);
  caller.say(greeting(), ...streamIds(101).map((id) => open("collect", {}, id)));
  expect(await caller.outcome(201)).toBe("goaway PROTOCOL_ERROR");
  await expectHealthy(target);
});

test("a megabyte that unpacks to a gigabyte is refused early", async () => {
  await using caller = await rawCaller(target.server.port);
  const member = gzipSync(Buffer.alloc(MIB));
  const bomb = Buffer.concat(Array<Buffer>(1_024).fill(member));
  expect(bomb.length).toBeLessThan(2 * MIB);
  const grown = await growth(async () => {
    // The windows of the protocol's beginning would hold it back.
    caller.say(greeting(), open("unary", { "grpc-encoding": "gzip" }));
    await sendAsRead(caller, compressed(bomb), target);
    expect(await caller.outcome()).toBe("status 8");
  });
  expect(grown).toBeLessThan(128 * MIB);
  await expectHealthy(target);
});

test("many small messages that unpack to large ones are held only up to the limit", async () => {
  const server = await start({ maxMessageBytes: MIB, maxWaitingRequestBytes: 4 * MIB });
  await using caller = await rawCaller(server.server.port);
  const packed = compressed(gzipSync(text.encode("x".repeat(900_000)).finish()));
  const ids = streamIds(40);
  const grown = await growth(async () => {
    caller.say(
      greeting(),
      ...ids.flatMap((id) => [open("size", { "grpc-encoding": "gzip" }, id), data(packed, id)]),
    );
    // Four are held, since their calls may yet go on; the others are told to go away.
    await until(() => server.server.openCalls === 4);
  });
  expect(grown).toBeLessThan(64 * MIB);
  const [held, refused] = [ids.slice(0, 4), ids.slice(4)];
  expect(new Set(await Promise.all(refused.map((id) => caller.outcome(id))))).toEqual(new Set(["status 8"]));
  caller.say(...held.map((id) => lastData(NOTHING, id)));
  expect(new Set(await Promise.all(held.map((id) => caller.outcome(id))))).toEqual(new Set(["status 0"]));
  // What was held is given back.
  expect(await server.client.size("x".repeat(900_000))).toBe("900000");
  await expectHealthy(server);
});

test("1,000 idle connections cost little and hinder nobody", async () => {
  const callers: RawCaller[] = [];
  const grown = await growth(async () => {
    for (let n = 0; n < 10; n++) {
      callers.push(...(await Promise.all(Array.from({ length: 100 }, () => rawCaller(target.server.port)))));
    }
    for (const caller of callers) caller.say(greeting());
    await expectHealthy(target);
  });
  expect(grown).toBeLessThan(256 * MIB);
  for (const caller of callers) caller.cut();
  await Promise.all(callers.map(({ closed }) => closed));
  await expectHealthy(target);
});

test.for<[what: string, limits: EchoOptions["limits"]]>([
  ["in all", { maxConnections: 3 }],
  ["from one address", { maxConnectionsPerAddress: 3 }],
])(
  "connections over the limit %s are closed, those within it go on, and room is made again",
  async ([, limits]) => {
    const server = await start(limits);
    await expectHealthy(server);
    const [first, second] = await Promise.all([rawCaller(server.server.port), rawCaller(server.server.port)]);
    const over = await rawCaller(server.server.port);
    await over.closed;
    first.say(greeting(), call("unary"));
    expect(await first.outcome()).toBe("status 0");
    await expectHealthy(server);
    expect(server.server.log.filter(({ level }) => level === "warn")).toHaveLength(1);
    first.cut();
    second.cut();
    await expect
      .poll(async () => {
        await using caller = await rawCaller(server.server.port);
        caller.say(greeting(), call("unary"));
        return await caller.outcome();
      })
      .toBe("status 0");
  },
);

/** Writes in pieces, each after the server has had time to give the window back. */
async function sendAsRead(caller: RawCaller, bytes: Buffer, { client }: HostileServer): Promise<void> {
  for (let at = 0; at < bytes.length; at += 16_384) {
    caller.say(data(bytes.subarray(at, at + 16_384)));
    await caller.flushed();
    // A round trip on another connection: by then what was sent has been read.
    if (at % (2 * 16_384) === 0) await client.unary("tick");
  }
}
