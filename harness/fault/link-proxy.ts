// A TCP proxy that makes a link out of loopback: every connection to it becomes one to the target, with delay, jitter and limited
// bandwidth between. Only bytes are delayed, not the handshake of a new connection.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { delayedPipe } from "./delayed-pipe.ts";
import { type LinkClock, systemLinkClock } from "./link-clock.ts";
import { linkDirection } from "./link-direction.ts";
import { checkedProfile, type LinkProfile } from "./link-profile.ts";

export interface LinkProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  readonly profile: LinkProfile;
  /** Uniform in [0, 1), for the jitter. */
  readonly random: () => number;
  /** Where to listen; default 127.0.0.1, any free port. */
  readonly host?: string;
  readonly port?: number;
  readonly clock?: LinkClock;
}

export interface LinkProxy {
  readonly host: string;
  readonly port: number;
  /** Connections open now. */
  connections(): number;
  /** Resets every connection, as when a link is cut; new ones are still taken. */
  cut(): void;
  /** Takes no new connections, resets the open ones, and resolves when all are gone. */
  close(): Promise<void>;
}

/** Rejects when it cannot listen there; throws RangeError for a profile that is no link. */
export async function startLinkProxy(options: LinkProxyOptions): Promise<LinkProxy> {
  const { target, random, host = "127.0.0.1", port = 0, clock = systemLinkClock } = options;
  const profile = checkedProfile(options.profile);
  const up = linkDirection(profile, clock, random);
  const down = linkDirection(profile, clock, random);
  const open = new Set<Socket>();

  const join = (near: Socket) => {
    const far = connect({ ...target, noDelay: true, allowHalfOpen: true });
    for (const socket of [near, far]) {
      // Which error it was is for the peers to see: a broken side resets the other.
      socket.on("error", () => {});
    }
    open.add(near);
    near.once("close", () => open.delete(near));
    delayedPipe(near, far, up, profile.bufferBytes, clock);
    delayedPipe(far, near, down, profile.bufferBytes, clock);
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, join);
  server.listen(port, host);
  await once(server, "listening");

  const cut = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    host,
    port: portOf(server.address()),
    connections: () => open.size,
    cut,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}

function portOf(address: ReturnType<ReturnType<typeof createServer>["address"]>): number {
  if (address === null || typeof address === "string")
    throw new Error(`listening on ${address}, not on a port`);
  return address.port;
}
