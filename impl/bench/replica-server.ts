// A replica of the client benchmark, in a process of its own: `node replica-server.ts delayMs maxStreams broken`. It answers GetUser after a
// delay, or UNAVAILABLE. Tells its parent its port, and on request how many attempts have reached it.
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { systemClock } from "#impl/runtime/clock.ts";
import { createHealth } from "#impl/runtime/health.ts";
import { GetUserRequest, GetUserResponse } from "#proto/ecommerce/v1/user.ts";
import { answer, GET_USER } from "./user-answer.ts";

const [delayMs = 0, maxStreams = 1_000, broken = 0] = process.argv.slice(2).map(Number);
const server = new Server({ "grpc.max_concurrent_streams": maxStreams, "grpc.enable_channelz": 0 });
const health = createHealth([]);
health.set("", "SERVING");
health.addTo(server as Parameters<typeof health.addTo>[0]);
let attempts = 0;

type Respond = (error: object | null, response?: GetUserResponse) => void;

const handle = (call: { readonly request: GetUserRequest }, respond: Respond): void => {
  attempts += 1;
  const reply = (): void =>
    broken === 1
      ? respond({ code: status.UNAVAILABLE, details: "broken" })
      : respond(null, answer(call.request.userId));
  if (delayMs === 0) reply();
  else systemClock.after(delayMs, reply);
};
server.register(
  GET_USER,
  handle as never,
  (message: GetUserResponse) => Buffer.from(GetUserResponse.encode(message).finish()),
  (bytes: Buffer) => GetUserRequest.decode(bytes),
  "unary",
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.send?.({ port });
});
process.on("message", () => process.send?.({ attempts }));
process.once("disconnect", () => process.exit());
