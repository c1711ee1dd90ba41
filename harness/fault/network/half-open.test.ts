import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { dial, echo, linksForTests, sayTo, transparent } from "../testing/through-link.ts";
import { halfOpen } from "./half-open.ts";

const { through, close } = linksForTests();
afterEach(close);

test("a client whose server is gone is not told, until it heals; a new connection works meanwhile", async () => {
  const { link, servers } = await echoing();
  const socket = await dial(link);
  await sayTo(socket, "x");
  const fault = halfOpen(link, "server");
  const serverGone = once(servers[0] ?? socket, "error");
  await fault.strike();
  expect(await serverGone).toMatchObject([{ code: "ECONNRESET" }]);
  await new Promise((resolve) => socket.write("is anybody there?", resolve));
  const again = await dial(link);
  expect(await sayTo(again, "y")).toBe("y");
  expect(socket.closed).toBe(false);
  const told = once(socket, "error");
  await fault.heal();
  await fault.heal();
  expect(await told).toMatchObject([{ code: "ECONNRESET" }]);
  expect(await sayTo(again, "z")).toBe("z");
  again.destroy();
});

test("a server whose client is gone is not told, until it heals", async () => {
  const { link, servers } = await echoing();
  const socket = await dial(link);
  await sayTo(socket, "x");
  const [server = socket] = servers;
  const clientGone = once(socket, "error");
  const fault = halfOpen(link, "client");
  await fault.strike();
  expect(await clientGone).toMatchObject([{ code: "ECONNRESET" }]);
  await new Promise((resolve) => server.write("are you there?", resolve));
  const again = await dial(link);
  expect(await sayTo(again, "y")).toBe("y");
  expect(server.closed).toBe(false);
  const told = once(server, "error");
  await fault.heal();
  expect(await told).toMatchObject([{ code: "ECONNRESET" }]);
  again.destroy();
});

async function echoing() {
  const servers: Socket[] = [];
  const link = await through(transparent, (socket) => {
    servers.push(socket);
    echo(socket);
  });
  return { link, servers };
}
