// The limits of the server from configuration: of gRPC and of HTTP.
import type { Config } from "./config.ts";
import type { ServerLimits } from "./runtime/server.ts";

export function serverLimits(config: Config): ServerLimits {
  return {
    maxMessageBytes: config.MAX_MESSAGE_BYTES,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    readerTimeoutMs: config.READER_TIMEOUT_MS,
    maxUnsentBytes: config.MAX_UNSENT_BYTES,
    maxWaitingRequestBytes: config.MAX_WAITING_REQUEST_BYTES,
    maxStreamsPerConnection: config.MAX_STREAMS_PER_CONNECTION,
    maxHeaderBytes: config.MAX_HEADER_BYTES,
    maxConnections: config.MAX_CONNECTIONS,
    maxConnectionsPerAddress: config.MAX_CONNECTIONS_PER_ADDRESS,
    handshakeTimeoutMs: config.HANDSHAKE_TIMEOUT_MS,
    connectionIdleMs: config.CONNECTION_IDLE_MS,
    connectionAgeMs: config.CONNECTION_AGE_MS,
    connectionAgeGraceMs: config.CONNECTION_AGE_GRACE_MS,
    keepaliveMs: config.KEEPALIVE_MS,
    keepaliveTimeoutMs: config.KEEPALIVE_TIMEOUT_MS,
    maxControlFramesPerMinute: config.MAX_CONTROL_FRAMES_PER_MINUTE,
    maxResetBurst: config.MAX_RESET_BURST,
    maxResetsPerSecond: config.MAX_RESETS_PER_SECOND,
    drainDelayMs: config.DRAIN_DELAY_MS,
    drainGraceMs: config.DRAIN_GRACE_MS,
  };
}
