import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { dial, echo, linkHasRead, linksForTests, sayTo, transparent } from "../testing/through-link.ts";
import { blackhole } from "./blackhole.ts";

const { through, close } = linksForTests();
afterEach(close);

test("what one peer says, and that it is gone, does not reach the other before it heals", async () => {
  const log: string[] = [];
  const serverClosed = Promise.withResolvers<void>();
  const link = await through(transparent, (socket) => {
    socket.on("data", (bytes) => {
      log.push(String(bytes));
      socket.write(bytes);
    });
    socket.once("error", () => log.push("server reset"));
    socket.once("close", serverClosed.resolve);
  });
  const socket = await dial(link);
  await sayTo(socket, "before");
  const fault = blackhole(link);
  await fault.strike();
  await new Promise((resolve) => socket.write("lost", resolve));
  await linkHasRead();
  socket.resetAndDestroy();
  await once(socket, "close");
  await linkHasRead();
  log.push("healing");
  await fault.heal();
  await fault.heal();
  await serverClosed.promise;
  expect(log.slice(0, 3)).toEqual(["before", "healing", "server reset"]);
  const again = await dial(link);
  expect(await sayTo(again, "after")).toBe("after");
  expect(log).not.toContain("lost");
  again.destroy();
});

test("a connection that stayed and has lost something is reset when it heals", async () => {
  const servers: Socket[] = [];
  const link = await through(transparent, (socket) => {
    servers.push(socket);
    echo(socket);
  });
  const socket = await dial(link);
  await sayTo(socket, "x");
  // One way only, so that the other can say when the bytes are lost: what the server says later arrives.
  await link.addToxic("up", { kind: "swallow", way: "up" });
  await new Promise((resolve) => socket.write("lost", resolve));
  servers[0]?.write("news");
  expect(String((await once(socket, "data"))[0])).toBe("news");
  const told = once(socket, "error");
  await link.removeToxic("up");
  expect(await told).toMatchObject([{ code: "ECONNRESET" }]);
});

test("a connection that lost nothing goes on", async () => {
  const link = await through(transparent, echo);
  const socket = await dial(link);
  await sayTo(socket, "x");
  const fault = blackhole(link);
  await fault.strike();
  await fault.heal();
  expect(await sayTo(socket, "y")).toBe("y");
  socket.destroy();
});
