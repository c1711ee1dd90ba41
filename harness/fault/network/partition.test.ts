import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { dial, echo, linksForTests, sayTo, transparent } from "../testing/through-link.ts";
import { oneWayPartition, partition } from "./partition.ts";

const { through, close } = linksForTests();
afterEach(close);

test("bytes of both ways arrive when it heals, and the end of a peer is not known before", async () => {
  const log: string[] = [];
  const link = await through(transparent, (socket) => {
    socket.on("data", (bytes) => log.push(String(bytes)));
    socket.once("end", () => {
      log.push("end");
      socket.end("goodbye");
    });
  });
  const socket = await dial(link);
  const fault = partition(link);
  await fault.strike();
  socket.write("held");
  socket.end();
  await once(socket, "finish");
  log.push("healing");
  await fault.heal();
  await fault.heal();
  expect(String((await once(socket, "data"))[0])).toBe("goodbye");
  expect(log).toEqual(["healing", "held", "end"]);
});

test("one way is held while the other goes on", async () => {
  const servers: Socket[] = [];
  const received: string[] = [];
  const link = await through(transparent, (socket) => {
    servers.push(socket);
    socket.on("data", (bytes) => received.push(String(bytes)));
    echo(socket);
  });
  const socket = await dial(link);
  await sayTo(socket, "hello");
  const [server = socket] = servers;
  const up = oneWayPartition(link, "up");
  await up.strike();
  await new Promise((resolve) => socket.write("request", resolve));
  server.write("news");
  expect(String((await once(socket, "data"))[0])).toBe("news");
  expect(received).toEqual(["hello"]);
  await up.heal();
  expect(String((await once(socket, "data"))[0])).toBe("request");

  const down = oneWayPartition(link, "down");
  await down.strike();
  const arrived = once(server, "data");
  const answer = sayTo(socket, "again");
  expect(String((await arrived)[0])).toBe("again");
  await down.heal();
  expect(await answer).toBe("again");
  socket.destroy();
});
