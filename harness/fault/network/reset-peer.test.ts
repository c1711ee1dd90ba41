import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { dial, echo, linksForTests, sayTo, transparent } from "../testing/through-link.ts";
import { resetPeer } from "./reset-peer.ts";

const { through, close } = linksForTests();
afterEach(close);

test("both peers of an open connection get a reset, and new connections work", async () => {
  const server = Promise.withResolvers<unknown>();
  const link = await through(transparent, (socket) => {
    socket.once("error", server.resolve);
    echo(socket);
  });
  const socket = await dial(link);
  await sayTo(socket, "x");
  const client = once(socket, "error");
  const fault = resetPeer(link);
  await fault.strike();
  expect(await client).toMatchObject([{ code: "ECONNRESET" }]);
  expect(await server.promise).toMatchObject({ code: "ECONNRESET" });
  const again = await dial(link);
  expect(await sayTo(again, "y")).toBe("y");
  await fault.heal();
  await fault.heal();
  expect(await sayTo(again, "z")).toBe("z");
  again.destroy();
});
