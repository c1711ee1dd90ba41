import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { startLink } from "./link-process.ts";
import { startLinkProxy } from "./link-proxy.ts";
import {
  dial,
  echo,
  halfway,
  linksForTests,
  portOf,
  roundTripMs,
  sayTo,
  transparent,
} from "./testing/through-link.ts";

const { through: throughProxy, listen, alsoClose, close } = linksForTests();
afterEach(close);

test("bytes arrive unchanged and in order, however they are cut", async () => {
  const proxy = await throughProxy({ name: "x", delayMs: 1, jitterMs: 3 }, echo);
  const chunks = fc.array(fc.uint8Array({ maxLength: 40_000, size: "max" }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(chunks, async (pieces) => {
      const socket = await dial(proxy);
      const answer = buffer(socket);
      for (const piece of pieces) socket.write(piece);
      socket.end();
      expect((await answer).equals(Buffer.concat(pieces))).toBe(true);
    }),
    { numRuns: 20 },
  );
});

test("a byte there and back takes at least twice the delay", async () => {
  const proxy = await throughProxy({ name: "x", delayMs: 30 }, echo);
  const socket = await dial(proxy);
  const rounds: number[] = [];
  for (let i = 0; i < 5; i++) {
    rounds.push(await roundTripMs(socket));
  }
  socket.destroy();
  expect(Math.min(...rounds)).toBeGreaterThanOrEqual(59);
  expect(Math.min(...rounds)).toBeLessThan(200);
});

test("bandwidth is what was asked for, shared by all connections", async () => {
  const proxy = await throughProxy({ name: "x", delayMs: 0, bandwidthBytesPerSecond: 1_000_000 }, drain);
  const began = performance.now();
  const [a, b] = await Promise.all([dial(proxy), dial(proxy)]);
  for (const socket of [a, b]) socket.end(Buffer.alloc(150_000));
  await Promise.all([buffer(a), buffer(b)]);
  const ms = performance.now() - began;
  expect(ms).toBeGreaterThan(285);
  expect(ms).toBeLessThan(2000);
});

test("a reader that does not read stops the sender: what is on its way stays bounded", async () => {
  const bufferBytes = 65_536;
  let far: Socket | undefined;
  const proxy = await throughProxy({ name: "x", delayMs: 1, bufferBytes }, (socket) => {
    far = socket;
    socket.pause();
  });
  const socket = await dial(proxy);
  const total = 64 * 1_048_576;
  const before = process.memoryUsage().arrayBuffers;
  const written = writeUntilBlocked(socket, total);
  const stuckAt = await written;
  // Kernel buffers of three sockets and ours; unbounded, it would have swallowed everything.
  expect(stuckAt).toBeLessThan(total / 2);
  const held = process.memoryUsage().arrayBuffers - before;
  expect(held).toBeLessThan(total / 2);
  far?.resume();
  await once(socket, "drain");
  socket.destroy();
});

test("the end of one direction is passed on while the other goes on", async () => {
  const proxy = await throughProxy({ name: "x", delayMs: 5 }, (socket) => {
    socket.resume();
    socket.once("end", () => socket.end("after your end"));
  });
  const socket = await dial(proxy);
  socket.end("mine");
  expect((await buffer(socket)).toString()).toBe("after your end");
});

test("a reset on one side is a reset on the other", async () => {
  const proxy = await throughProxy({ name: "x", delayMs: 1 }, (socket) => {
    socket.once("data", () => socket.resetAndDestroy());
  });
  const socket = await dial(proxy);
  const error = once(socket, "error");
  socket.write("x");
  expect(await error).toMatchObject([{ code: "ECONNRESET" }]);
});

test("a peer that ended and then broke is noticed with the next bytes for it", async () => {
  const broken = Promise.withResolvers<unknown>();
  const proxy = await throughProxy({ name: "x", delayMs: 1 }, (socket) => {
    socket.resume();
    socket.once("end", () => {
      const talking = setInterval(() => socket.write("still here"), 5);
      socket.once("error", broken.resolve);
      socket.once("close", () => clearInterval(talking));
    });
  });
  const socket = await dial(proxy);
  socket.end("mine");
  await once(socket, "data");
  socket.resetAndDestroy();
  expect(await broken.promise).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
});

test("a target that is not there resets whoever connects", async () => {
  const unused = await listen(() => {});
  const port = portOf(unused);
  await new Promise((resolve) => unused.close(resolve));
  const proxy = await startLinkProxy({
    target: { host: "127.0.0.1", port },
    profile: { name: "x", delayMs: 1 },
    random: halfway,
  });
  alsoClose(() => proxy.close());
  const socket = connect({ host: proxy.host, port: proxy.port });
  expect(await once(socket, "error").catch((error: unknown) => [error])).toMatchObject([
    { code: "ECONNRESET" },
  ]);
});

test("a link without delay or limit changes nothing, also when a toxic has come and gone", async () => {
  const proxy = await throughProxy(transparent, echo);
  await proxy.addToxic("x", { kind: "slow", delayMs: 5, jitterMs: 5, bandwidthBytesPerSecond: 1e6 });
  await proxy.removeToxic("x");
  await proxy.removeToxic("never there");
  const socket = await dial(proxy);
  const words = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => i % 251));
  const answer = buffer(socket);
  socket.end(words);
  expect((await answer).equals(words)).toBe(true);
});

test("toxics come and go on open connections, and what is on its way keeps its order", async () => {
  const proxy = await throughProxy({ name: "x", delayMs: 1, jitterMs: 2 }, echo);
  const socket = await dial(proxy);
  const words = Buffer.from(Array.from({ length: 2_000_000 }, (_, i) => i % 251));
  const answer = buffer(socket);
  socket.end(words);
  for (let i = 0; i < 5; i++) {
    await proxy.addToxic("held", { kind: "hold" });
    await new Promise(setImmediate);
    await proxy.addToxic("slow", { kind: "slow", delayMs: i, bandwidthBytesPerSecond: 1e8 });
    await proxy.removeToxic("held");
    await new Promise(setImmediate);
    await proxy.removeToxic("slow");
  }
  expect((await answer).equals(words)).toBe(true);
});

test("a toxic that no link can have is refused by name and value", async () => {
  const proxy = await throughProxy(transparent, echo);
  const adding = proxy.addToxic("latency", { kind: "slow", delayMs: -1 });
  await expect(adding).rejects.toThrow(/"latency": delayMs.*0 to 60000, got -1/);
});

test("a link runs in a process of its own, takes toxics there, and is gone when stopped", async () => {
  const server = await listen(echo);
  const target = { host: "127.0.0.1", port: portOf(server) };
  const link = await startLink({ target, profile: { name: "x", delayMs: 2 } });
  const socket = await dial(link);
  expect(await sayTo(socket, "hello")).toBe("hello");
  const error = once(socket, "error");
  await Promise.all([link.addToxic("reset", { kind: "reset" }), link.removeToxic("reset")]);
  expect(await error).toMatchObject([{ code: "ECONNRESET" }]);
  await expect(link.addToxic("x", { kind: "slow", bufferBytes: 0 })).rejects.toThrow(/bufferBytes.*got 0/);
  const again = await dial(link);
  expect(await sayTo(again, "hello again")).toBe("hello again");
  again.destroy();
  await link.stop();
  await link.stop();
  expect(() => process.kill(link.pid, 0)).toThrow(/ESRCH/);
  await expect(link.addToxic("late", { kind: "hold" })).rejects.toThrow(/has ended/);
});

/** Reads everything, then ends. */
function drain(socket: Socket): void {
  socket.resume();
  socket.once("end", () => socket.end());
}

/** Resolves with the bytes taken once nothing has moved for a while. */
async function writeUntilBlocked(socket: Socket, total: number): Promise<number> {
  const chunk = Buffer.alloc(262_144);
  let moved = true;
  while (moved && socket.bytesWritten < total) {
    if (socket.writableNeedDrain) {
      moved = await Promise.race([
        once(socket, "drain").then(() => true),
        new Promise<boolean>((resolve) => setTimeout(resolve, 300, false)),
      ]);
    } else {
      socket.write(chunk);
    }
  }
  return socket.bytesWritten;
}
