/** A node:http2 server for tests, with a connection of ours to it. */
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { type ConnectOptions, connect } from "./client.ts";
import type { WireConnection } from "./connection.ts";
import type { UnaryResult } from "./unary-call.ts";

export const REQUEST = { path: "/a.B/C", message: Buffer.from("hello") };

export interface Http2Peer {
  readonly server: Http2Server;
  readonly connection: WireConnection;
  readonly session: ServerHttp2Session;
}

const open: Http2Peer[] = [];
/** To run after each test: ends every connection and server that `startHttp2` made. */
export async function stopHttp2(): Promise<void> {
  for (const { server, connection, session } of open.splice(0)) {
    await connection.close();
    session.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

export async function startHttp2(
  onStream: (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void,
  settings = {},
  options: Partial<ConnectOptions> = {},
): Promise<Http2Peer> {
  const server = createServer({ settings });
  const session = new Promise<ServerHttp2Session>((resolve) => server.once("session", resolve));
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {}); // A call cut short is what these tests are about.
    onStream(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const connection = await connect({ host: "127.0.0.1", port: address.port, ...options });
  const fixture = { server, connection, session: await session };
  open.push(fixture);
  return fixture;
}

/** Answers with this body and status OK. */
export function respond(stream: ServerHttp2Stream, body: Buffer, headers = {}, trailers = {}): void {
  stream.respond(
    { ":status": 200, "content-type": "application/grpc+proto", ...headers },
    { waitForTrailers: true },
  );
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", ...trailers }));
  stream.end(body);
}

export const unary = (connection: WireConnection) =>
  new Promise<UnaryResult>((resolve) => connection.unary(connection.prepare(REQUEST), resolve));
