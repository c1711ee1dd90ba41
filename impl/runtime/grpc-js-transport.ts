// The adapter to @grpc/grpc-js: everything the project knows of its server is here and in the other files of its name. It joins as a server interceptor that takes
// each call of ours over (grpc-js-call.ts).
import {
  Server,
  type ServerCredentials,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from "@grpc/grpc-js";
import { connectionOptions, limitConnections } from "./connection-limits.ts";
import { GrpcJsCall, type TransportOptions } from "./grpc-js-call.ts";
import { Decompression } from "./grpc-js-decompression.ts";
import type { Method } from "./method.ts";

/** Creates a grpc-js server that serves `methods`. Further services may be added to it before it is bound. */
export function createGrpcJsServer(options: TransportOptions): Server {
  const decompression = new Decompression(options.maxMessageBytes);
  const takeOver: ServerInterceptor = (definition, call) => {
    const bound = options.methods.get(definition.path);
    return bound === undefined
      ? asIntercepting(call)
      : asIntercepting(new GrpcJsCall(call, bound, options, decompression));
  };
  const server = new Server({
    interceptors: [takeOver],
    "grpc.max_receive_message_length": options.maxMessageBytes,
    "grpc.max_send_message_length": options.maxMessageBytes,
    ...connectionOptions(options.connections),
    // Its bookkeeping costs 6 to 15 us a call; our own metrics say more.
    "grpc.enable_channelz": 0,
  });
  limitConnections(server, options.connections, options.environment);
  for (const { method } of options.methods.values()) register(server, method);
  return server;
}

/** Binds and resolves to the port in use. */
export function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => (error === null ? resolve(port) : reject(error)));
  });
}

// grpc-js declares the result of an interceptor as its class ServerInterceptingCall, and uses only the interface of it.
function asIntercepting(call: ServerInterceptingCallInterface): ReturnType<ServerInterceptor> {
  return call as ReturnType<ServerInterceptor>;
}

const passThrough = (bytes: Buffer): Buffer => bytes;

function register(server: Server, method: Method): void {
  const kind = method.requestStream
    ? method.responseStream
      ? "bidi"
      : "clientStream"
    : method.responseStream
      ? "serverStream"
      : "unary";
  const unreachable = (): never => {
    throw new Error(`${method.path} was not taken over by the pipeline`);
  };
  server.register(method.path, unreachable, passThrough, passThrough, kind);
}
