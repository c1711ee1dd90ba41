// What one caller may take of the server before any call of his is looked at: connections, frames that ask for nothing, header bytes, resets.
// grpc-js has options for some of it; the rest are options of node:http2 that it does not pass on, set where it keeps its own.
import {
  constants,
  type Http2Server,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerOptions,
} from "node:http2";
import type { Socket } from "node:net";
import type { ChannelOptions, Server, ServerCredentials } from "@grpc/grpc-js";
import type { Clock } from "./clock.ts";
import { countControlFrames } from "./control-frames.ts";
import type { Logger } from "./logger.ts";

export interface ConnectionLimits {
  /** Connections of the process; more are closed unread. Default 10,000. */
  readonly maxConnections: number;
  /** Connections from one address; a proxy is one address. Default 5,000. */
  readonly maxConnectionsPerAddress: number;
  /** How long a connection may take for its TLS handshake, and then for HTTP/2's first SETTINGS. Default 10 s. */
  readonly handshakeTimeoutMs: number;
  /** A connection without a call for so long is closed. Default 30 min. */
  readonly connectionIdleMs: number;
  /** A connection takes no new calls after this time, give or take a tenth, so that callers spread over new servers. Default 1 h. */
  readonly connectionAgeMs: number;
  /** What calls that are open then are given before the connection is cut. Default 24 h, the longest deadline. */
  readonly connectionAgeGraceMs: number;
  /** A connection that is silent for so long is asked whether it is there. Default 2 min. */
  readonly keepaliveMs: number;
  /** How long its answer may take; then it is cut. Default 20 s. */
  readonly keepaliveTimeoutMs: number;
  /** PING and SETTINGS frames in a minute in which a connection gets nothing but their answers. Default 120. */
  readonly maxControlFramesPerMinute: number;
  /** Streams that one connection may have open. Default 1,000. */
  readonly maxStreamsPerConnection: number;
  /** Streams a connection may reset at once, and then each second, before it is closed. Defaults 1,000 and 100. */
  readonly maxResetBurst: number;
  readonly maxResetsPerSecond: number;
  /** Bytes of a call's request headers, each counted with 32 more, as HTTP/2 does. Default 16 KiB. */
  readonly maxHeaderBytes: number;
}

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = {
  maxConnections: 10_000,
  maxConnectionsPerAddress: 5_000,
  handshakeTimeoutMs: 10_000,
  connectionIdleMs: 1_800_000,
  connectionAgeMs: 3_600_000,
  connectionAgeGraceMs: 86_400_000,
  keepaliveMs: 120_000,
  keepaliveTimeoutMs: 20_000,
  maxControlFramesPerMinute: 120,
  maxStreamsPerConnection: 1_000,
  maxResetBurst: 1_000,
  maxResetsPerSecond: 100,
  maxHeaderBytes: 16 * 1024,
};

/** The limits that grpc-js has options for. */
export function connectionOptions(limits: ConnectionLimits): ChannelOptions {
  return {
    "grpc.max_concurrent_streams": limits.maxStreamsPerConnection,
    "grpc.max_connection_idle_ms": limits.connectionIdleMs,
    "grpc.max_connection_age_ms": limits.connectionAgeMs,
    "grpc.max_connection_age_grace_ms": limits.connectionAgeGraceMs,
    "grpc.keepalive_time_ms": limits.keepaliveMs,
    "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
  };
}

/** What is used of grpc-js beside what it declares. Pinned by the tests of each limit. */
interface Internals {
  readonly commonServerOptions: ServerOptions & SecureServerOptions;
  createHttp2Server(credentials: ServerCredentials): Http2Server;
}

/** The other limits, for every port that the server is bound to after this. */
export function limitConnections(
  server: Server,
  limits: ConnectionLimits,
  environment: { readonly clock: Clock; readonly log: Logger },
): void {
  const internals = server as unknown as Internals;
  const options = internals.commonServerOptions;
  Object.assign(options, {
    settings: { ...options.settings, maxHeaderListSize: limits.maxHeaderBytes },
    streamResetBurst: limits.maxResetBurst,
    streamResetRate: limits.maxResetsPerSecond,
    handshakeTimeout: limits.handshakeTimeoutMs,
  });
  const admit = createAdmission(limits, environment.log);
  const create = internals.createHttp2Server.bind(server);
  internals.createHttp2Server = (credentials) => {
    const port = create(credentials);
    // First of all listeners: what is refused has cost nothing yet.
    port.prependListener("connection", admit);
    screenHeads(port);
    port.on("tlsClientError", (error: Error, { remoteAddress }: Socket) => {
      environment.log.debug({ error: error.message, address: remoteAddress }, "a TLS handshake failed");
    });
    port.on("session", (session) => {
      closeUnlessGreeted(session, limits.handshakeTimeoutMs, environment.clock);
      countControlFrames(session, limits.maxControlFramesPerMinute, environment.clock);
    });
    return port;
  };
}

/** As gRPC writes it. grpc-js looks for one anywhere in the value: it takes -5S for five seconds. */
const TIMEOUT = /^\d{1,8}[HMSmun]$/;

/** What grpc-js lets pass of the heads of calls, and gRPC does not: another method than POST, and a timeout that is none. */
function screenHeads(port: Http2Server): void {
  const listeners = port.listeners("stream");
  port.removeAllListeners("stream");
  port.on("stream", (stream, headers, ...rest) => {
    const timeout = headers["grpc-timeout"];
    // grpc-js ends the call, as it does for what it sees to be none itself.
    if (timeout !== undefined && !TIMEOUT.test(String(timeout))) headers["grpc-timeout"] = "malformed";
    if (headers[constants.HTTP2_HEADER_METHOD] === constants.HTTP2_METHOD_POST) {
      for (const listener of listeners) listener.call(port, stream, headers, ...rest);
      return;
    }
    stream.on("error", () => {});
    stream.respond({ [constants.HTTP2_HEADER_STATUS]: 405, allow: "POST" }, { endStream: true });
  });
}

/** Destroys what is over a limit. The log is told when refusing begins, not of each one. */
export function createAdmission(limits: ConnectionLimits, log: Logger): (socket: Socket) => void {
  let open = 0;
  const ofAddress = new Map<string, number>();
  let refusing = false;
  return (socket) => {
    const address = socket.remoteAddress ?? "unknown";
    const ofThis = ofAddress.get(address) ?? 0;
    if (open >= limits.maxConnections || ofThis >= limits.maxConnectionsPerAddress) {
      socket.destroy();
      if (!refusing)
        log.warn({ open, address, ofAddress: ofThis }, "connections are refused: too many are open");
      refusing = true;
      return;
    }
    open += 1;
    ofAddress.set(address, ofThis + 1);
    socket.once("close", () => {
      open -= 1;
      refusing = false;
      const left = (ofAddress.get(address) ?? 1) - 1;
      if (left === 0) ofAddress.delete(address);
      else ofAddress.set(address, left);
    });
  };
}

/** A caller's first frame is SETTINGS: whoever has not sent it is not speaking HTTP/2, or is in no hurry to. */
function closeUnlessGreeted(session: ServerHttp2Session, timeoutMs: number, clock: Clock): void {
  const cancel = clock.after(timeoutMs, () => session.destroy());
  session.once("remoteSettings", cancel);
  session.once("close", cancel);
}
