import { once } from "node:events";
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type Asking, untilKnown } from "./known-outcome.ts";
import { reconnecting } from "./reconnecting.ts";

const FAILED_PRECONDITION = "9";
const LONG_MS = 60_000;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

test("what was never sent before a customer gave up has no effect", async () => {
  const asking = await askingAt(await silent(), 1);
  expect(await untilKnown(asking, ({ orders }) => orders.getOrder({ orderId: "" }))).toEqual({
    outcome: "fail",
    failure: undefined,
  });
});

test("a refusal is known, and after a doubtful attempt it is not", async () => {
  const refused = await askingAt(await answering([refuse]), LONG_MS);
  expect(await untilKnown(refused, ({ orders }) => orders.getOrder({ orderId: "" }))).toMatchObject({
    outcome: "fail",
    failure: { grpcStatus: Number(FAILED_PRECONDITION) },
  });
  const doubtful = await askingAt(await answering([lose, refuse]), LONG_MS);
  expect(await untilKnown(doubtful, ({ orders }) => orders.getOrder({ orderId: "" }))).toEqual({
    outcome: "unknown",
  });
});

test("the end of the run ends a customer of a system that never answers", async () => {
  const run = new AbortController();
  const answers = untilKnown(
    { ...(await askingAt(await silent(), LONG_MS)), signal: run.signal },
    ({ orders }) => orders.getOrder({ orderId: "" }),
  );
  run.abort(new Error("the run is over"));
  await expect(answers).rejects.toThrow("the run is over");
});

function refuse(stream: ServerHttp2Stream): void {
  const head = { ":status": 200, "content-type": "application/grpc", "grpc-status": FAILED_PRECONDITION };
  stream.respond(head, { endStream: true });
}

function lose(stream: ServerHttp2Stream): void {
  stream.session?.destroy();
}

async function askingAt(port: number, patienceMs: number): Promise<Asking> {
  const connection = reconnecting({ host: "127.0.0.1", port });
  closers.push(() => connection.close());
  return { connection, token: "", patienceMs, signal: new AbortController().signal };
}

/** Accepts connections and says nothing. */
function silent(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on("error", () => {})));
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
  });
  return listening(server);
}

/** Ends each request in turn so. */
function answering(ends: ((stream: ServerHttp2Stream) => void)[]): Promise<number> {
  const server = createHttp2Server();
  server.on("stream", (stream) => ends.shift()?.(stream));
  server.on("sessionError", () => {});
  return listening(server);
}

async function listening(server: Server | Http2Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(async () => void server.close());
  const { port } = server.address() as AddressInfo;
  return port;
}
