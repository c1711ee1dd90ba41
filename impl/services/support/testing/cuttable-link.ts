// A way to a server that a test can cut: connections through it are reset, new ones are taken.
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface CuttableLink {
  readonly port: number;
  cut(): void;
  close(): Promise<void>;
}

export async function startCuttableLink(target: number): Promise<CuttableLink> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      // A broken side breaks the other.
      socket.on("error", () => {});
      socket.once("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cut,
    async close() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
