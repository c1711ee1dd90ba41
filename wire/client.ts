/** Opens client connections, and validates what they are asked to be. No TLS of its own: see `createSocket`. */
import { connect as connectSocket, type Socket } from "node:net";
import { type ClientLimits, WireConnection } from "./connection.ts";
import {
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  LARGEST_MAX_FRAME_BYTES,
  LARGEST_STREAM_ID,
  LARGEST_WINDOW_BYTES,
} from "./frames.ts";

/** What one read from the socket takes at most; the buffer is reused for every read. */
const READ_BYTES = 65_536;

export const DEFAULT_LIMITS: ClientLimits = Object.freeze({
  initialWindowBytes: 1_048_576,
  connectionWindowBytes: 16_777_216,
  maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
  maxHeaderBlockBytes: 65_536,
  maxHeaderListBytes: 65_536,
  maxMessageBytes: 4_194_304,
  maxConcurrentStreams: 10_000,
  maxQueuedCalls: 65_536,
});

const RANGES: Record<keyof ClientLimits, readonly [min: number, max: number]> = {
  initialWindowBytes: [1, LARGEST_WINDOW_BYTES],
  connectionWindowBytes: [DEFAULT_WINDOW_BYTES, LARGEST_WINDOW_BYTES],
  maxFrameBytes: [DEFAULT_MAX_FRAME_BYTES, LARGEST_MAX_FRAME_BYTES],
  maxHeaderBlockBytes: [1_024, 16_777_216],
  maxHeaderListBytes: [1_024, 16_777_216],
  maxMessageBytes: [0, 0x7fffffff],
  maxConcurrentStreams: [1, LARGEST_STREAM_ID],
  maxQueuedCalls: [0, 16_777_216],
};

export interface ConnectOptions extends Partial<ClientLimits> {
  readonly host: string;
  readonly port: number;
  /** `:authority` of requests; default "host:port". */
  readonly authority?: string;
  readonly scheme?: "http" | "https";
  /** Ends the attempt to connect; no bearing on the connection once there. There is no timeout but this. */
  readonly signal?: AbortSignal;
  /** A socket of the caller's making instead, connected or connecting: TLS (with ALPN "h2"), a Unix socket. */
  readonly createSocket?: () => Socket;
  /** Odd; where to begin numbering. Default 1. */
  readonly firstStreamId?: number;
}

/**
 * Resolves once the peer's SETTINGS are known, so its limits hold from the first call. Rejects with
 * ConnectionError (`cause`: the socket's error), the signal's reason, or RangeError for a bad option.
 */
export async function connect(options: ConnectOptions): Promise<WireConnection> {
  const { host, port, signal, firstStreamId = 1 } = options;
  const limits = limitsOf(options);
  if (!(firstStreamId % 2 === 1 && firstStreamId > 0 && firstStreamId <= LARGEST_STREAM_ID)) {
    throw new RangeError(`firstStreamId must be odd, from 1 to ${LARGEST_STREAM_ID}, not ${firstStreamId}`);
  }
  signal?.throwIfAborted();
  let receive: (bytes: Buffer, length: number) => void = () => {};
  const socket =
    options.createSocket?.() ??
    connectSocket({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (length, bytes) => {
          if (bytes instanceof Buffer) receive(bytes, length);
          return true;
        },
      },
    });
  const authority = options.authority ?? `${host}:${port}`;
  const connection = new WireConnection(socket, limits, authority, options.scheme ?? "http", firstStreamId);
  receive = (bytes, length) => connection.receive(bytes, 0, length);
  if (options.createSocket !== undefined) {
    socket.on("data", (bytes: Buffer) => connection.receive(bytes, 0, bytes.length));
  }
  const abort = () => void connection.close();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await connection.ready;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
  return connection;
}

function limitsOf(options: ConnectOptions): ClientLimits {
  const limit = (name: keyof ClientLimits): number => {
    const value = options[name] ?? DEFAULT_LIMITS[name];
    const [min, max] = RANGES[name];
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not ${value}`);
  };
  return Object.freeze({
    initialWindowBytes: limit("initialWindowBytes"),
    connectionWindowBytes: limit("connectionWindowBytes"),
    maxFrameBytes: limit("maxFrameBytes"),
    maxHeaderBlockBytes: limit("maxHeaderBlockBytes"),
    maxHeaderListBytes: limit("maxHeaderListBytes"),
    maxMessageBytes: limit("maxMessageBytes"),
    maxConcurrentStreams: limit("maxConcurrentStreams"),
    maxQueuedCalls: limit("maxQueuedCalls"),
  });
}
