// A gRPC server that answers every unary call with the same 248 bytes: a process of its own, so that a test can stop it. Prints
// its port, and ends when its standard input does, so that it cannot outlive the test.

import { createServer, type ServerHttp2Stream } from "node:http2";

const responseBytes = 248;
const framed = Buffer.alloc(5 + responseBytes, 7);
framed[0] = 0;
framed.writeUInt32BE(responseBytes, 1);

function answer(stream: ServerHttp2Stream): void {
  stream.on("error", () => {});
  stream.resume();
  stream.once("end", () => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(framed);
  });
}

const server = createServer({ settings: { maxConcurrentStreams: 1000 } });
server.on("stream", answer);
server.on("sessionError", () => {});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.stdout.write(`${address.port}\n`);
});
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
