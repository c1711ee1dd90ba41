/** Opens client connections, and validates what they are asked to be. No TLS of its own: see `createSocket`. */
import { connect as connectSocket, type Socket } from "node:net";
import { type ClientLimits, limitsOf } from "./client-limits.ts";
import { WireConnection } from "./connection.ts";
import { ErrorCode, LARGEST_STREAM_ID } from "./frames.ts";
import { ConnectionError } from "./wire-error.ts";

/** What one read from the socket takes at most; the buffer is reused for every read. */
const READ_BYTES = 65_536;

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
  if (socket.destroyed) throw new ConnectionError("socket", ErrorCode.NO_ERROR, "socket is closed already");
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
