// An echo server in a process of its own, to be killed: `node serve-echo.ts [port]`. Tells its parent its port.
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { createHealth } from "#impl/runtime/health.ts";

const server = new Server();
const identity = (bytes: Buffer): Buffer => bytes;
const echo = (call: { readonly request: Buffer }, respond: (error: null, response: Buffer) => void): void =>
  respond(null, call.request);
server.register("/testing.v1.EchoService/unary", echo as never, identity, identity, "unary");
const health = createHealth([]);
health.set("", "SERVING");
health.addTo(server as Parameters<typeof health.addTo>[0]);
server.bindAsync(`127.0.0.1:${process.argv[2] ?? 0}`, ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.send?.(port);
});
process.once("disconnect", () => process.exit());
