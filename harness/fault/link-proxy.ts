// A TCP proxy that makes a link out of loopback: every connection to it becomes one to the target, with delay, jitter and limited
// bandwidth between, and with toxics that come and go while it runs. Only bytes are delayed, not the handshake of a new connection.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type LinkClock, systemLinkClock } from "./link-clock.ts";
import { type LinkConnection, linkConnection } from "./link-connection.ts";
import type { LinkControl } from "./link-control.ts";
import { type LinkDirection, linkDirection } from "./link-direction.ts";
import { checkedProfile, type LinkProfile } from "./link-profile.ts";
import { checkToxic, conditionsUnder, type LinkToxic } from "./link-toxic.ts";

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

export interface LinkProxy extends LinkControl {
  readonly host: string;
  readonly port: number;
  /** Takes no new connections, resets the open ones, and resolves when all are gone. */
  close(): Promise<void>;
}

/** Rejects when it cannot listen there; throws RangeError for a profile that is no link. */
export async function startLinkProxy(options: LinkProxyOptions): Promise<LinkProxy> {
  const { target, random, host = "127.0.0.1", port = 0, clock = systemLinkClock } = options;
  const profile = checkedProfile(options.profile);
  const up = linkDirection(conditionsUnder(profile, [], "up"), clock, random);
  const down = linkDirection(conditionsUnder(profile, [], "down"), clock, random);
  const connections = new Set<LinkConnection>();

  const join = (client: Socket) => {
    const server = connect({ ...target, noDelay: true, allowHalfOpen: true });
    const connection = linkConnection(client, server, { up, down }, clock);
    connections.add(connection);
    const forgetWhenClosed = () => client.closed && server.closed && connections.delete(connection);
    client.once("close", forgetWhenClosed);
    server.once("close", forgetWhenClosed);
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, join);
  server.listen(port, host);
  await once(server, "listening");

  return {
    host,
    port: portOf(server.address()),
    ...linkToxics(profile, { up, down }, connections),
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const connection of connections) connection.reset();
      await closed;
    },
  };
}

function linkToxics(
  profile: Required<LinkProfile>,
  { up, down }: { readonly up: LinkDirection; readonly down: LinkDirection },
  connections: Iterable<LinkConnection>,
): LinkControl {
  const toxics = new Map<string, LinkToxic>();
  const takeEffect = () => {
    up.become(conditionsUnder(profile, toxics.values(), "up"));
    down.become(conditionsUnder(profile, toxics.values(), "down"));
  };
  return {
    addToxic: async (name, toxic) => {
      checkToxic(name, toxic);
      toxics.set(name, toxic);
      takeEffect();
      for (const connection of connections) {
        if (toxic.kind === "reset") connection.reset();
        if (toxic.kind === "abandon") connection.abandon(toxic.gone);
      }
    },
    removeToxic: async (name) => {
      const toxic = toxics.get(name);
      if (toxic === undefined) return;
      toxics.delete(name);
      takeEffect();
      for (const connection of connections) {
        if (toxic.kind === "abandon") connection.resetAbandoned(toxic.gone);
      }
    },
  };
}

function portOf(address: ReturnType<ReturnType<typeof createServer>["address"]>): number {
  if (address === null || typeof address === "string")
    throw new Error(`listening on ${address}, not on a port`);
  return address.port;
}
