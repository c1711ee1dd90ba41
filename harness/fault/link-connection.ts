// One connection through a link: the client's socket to it and its socket to the server, joined both ways.

import type { Socket } from "node:net";
import { delayedPipe } from "./delayed-pipe.ts";
import type { LinkClock } from "./link-clock.ts";
import type { LinkDirection } from "./link-direction.ts";

export interface LinkConnection {
  /** Both sides. */
  reset(): void;
  /** The side that is gone is reset; the other is told nothing, whatever it sends. */
  abandon(gone: "client" | "server"): void;
  /** Resets the side that was left alone when the other went. */
  resetAbandoned(gone: "client" | "server"): void;
}

export function linkConnection(
  client: Socket,
  server: Socket,
  directions: { readonly up: LinkDirection; readonly down: LinkDirection },
  clock: LinkClock,
): LinkConnection {
  const { up, down } = directions;
  for (const socket of [client, server]) {
    // Which error it was is for the peers to see: a broken side resets the other.
    socket.on("error", () => {});
  }
  const pipes = [delayedPipe(client, server, up, down, clock), delayedPipe(server, client, down, up, clock)];
  let gone: "client" | "server" | undefined;
  return {
    reset: () => {
      client.resetAndDestroy();
      server.resetAndDestroy();
    },
    abandon: (side) => {
      gone ??= side;
      for (const pipe of pipes) pipe.abandon();
      (side === "client" ? client : server).resetAndDestroy();
    },
    resetAbandoned: (side) => {
      if (gone === side) (side === "client" ? server : client).resetAndDestroy();
    },
  };
}
