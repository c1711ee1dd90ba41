import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { dial, linksForTests, transparent } from "../testing/through-link.ts";
import { slowReader } from "./slow-reader.ts";

const { through, close } = linksForTests();
afterEach(close);

const total = 32 * 1_048_576;

test("the server is made to wait while its client reads slowly, and only then", async () => {
  let written = 0;
  const link = await through(transparent, (socket) => {
    socket.once("data", () => void writeAll(socket, (bytes) => (written += bytes)));
  });
  const fault = slowReader(link, { bytesPerSecond: 1_000_000 });
  await fault.strike();
  const socket = await dial(link);
  let received = 0;
  const { promise: receivedSome, resolve } = Promise.withResolvers<void>();
  socket.on("data", (bytes: Buffer) => {
    received += bytes.length;
    if (received > 300_000) resolve();
  });
  socket.write("send me everything");
  await receivedSome;
  // The buffers of the operating system and of both sockets; unhindered, all of it would be gone by now.
  expect(written).toBeLessThan(total / 2);
  await fault.heal();
  await once(socket, "end");
  expect(received).toBe(total);
  socket.destroy();
});

async function writeAll(socket: Socket, wrote: (bytes: number) => void): Promise<void> {
  const chunk = Buffer.alloc(65_536);
  for (let sent = 0; sent < total; sent += chunk.length) {
    if (!socket.write(chunk)) await once(socket, "drain");
    wrote(chunk.length);
  }
  socket.end();
}
