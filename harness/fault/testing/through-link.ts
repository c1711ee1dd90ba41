// For tests of links: a server behind a link, and connections through it. `close` takes all of it away.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import type { LinkProfile } from "../link-profile.ts";
import { type LinkProxy, startLinkProxy } from "../link-proxy.ts";

export interface Links {
  listen(onConnection: (socket: Socket) => void): Promise<Server>;
  /** A link to a server that does `onConnection`. */
  through(profile: LinkProfile, onConnection: (socket: Socket) => void): Promise<LinkProxy>;
  /** Closed in the end, like all else. */
  alsoClose(close: () => Promise<unknown>): void;
  close(): Promise<void>;
}

/** A link that is none. */
export const transparent: LinkProfile = { name: "transparent", delayMs: 0 };

export function linksForTests(): Links {
  const closers: (() => Promise<unknown>)[] = [];
  const listen = async (onConnection: (socket: Socket) => void) => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {});
      onConnection(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closers.push(async () => server.close());
    return server;
  };
  return {
    listen,
    through: async (profile, onConnection) => {
      const target = { host: "127.0.0.1", port: portOf(await listen(onConnection)) };
      const proxy = await startLinkProxy({ target, profile, random: halfway });
      closers.push(() => proxy.close());
      return proxy;
    },
    alsoClose: (close) => closers.push(close),
    close: async () => {
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}

export function halfway(): number {
  return 0.5;
}

export function echo(socket: Socket): void {
  socket.pipe(socket);
}

export async function dial({ host, port }: { host: string; port: number }): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

/** Resolves with what comes back first. */
export async function sayTo(socket: Socket, words: string): Promise<string> {
  socket.write(words);
  const [answer] = await once(socket, "data");
  return String(answer);
}

/** What was written before has come out of the kernel: a link in this process reads it in the next turn of the event loop. */
export async function linkHasRead(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await setImmediate();
}

/** Milliseconds that `words` take there and back. */
export async function roundTripMs(socket: Socket, words = "x"): Promise<number> {
  const sent = performance.now();
  await sayTo(socket, words);
  return performance.now() - sent;
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}
