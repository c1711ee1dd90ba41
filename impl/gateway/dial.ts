// How an instance of a backend is connected to: in plaintext, or over TLS with files that are read again for each connection.
import { createConnection, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { readTlsFiles } from "#impl/auth/tls-files.ts";
import type { ChannelTls } from "#impl/client/channel-credentials.ts";
import { parseAddress } from "#impl/client/discovery.ts";
import { connect } from "#wire/client.ts";
import type { Dial } from "./backend-line.ts";

export interface DialOptions {
  /** Largest message received from a backend, in bytes as sent. */
  readonly maxMessageBytes: number;
  /** Undefined for plaintext. */
  readonly tls?: ChannelTls | undefined;
}

/** What one stream of a backend may have waiting here for its reader, beside the message that is being read. */
const STREAM_WINDOW_BYTES = 256 * 1024;

/** Throws when an address is none. */
export function dialer({ maxMessageBytes, tls }: DialOptions): (address: string) => Dial {
  const limits = { maxMessageBytes, initialWindowBytes: STREAM_WINDOW_BYTES };
  return (address) => {
    const socket = parseAddress(address);
    if ("path" in socket) {
      const createSocket = () => createConnection(socket.path);
      return (signal) => connect({ ...limits, host: "localhost", port: 1, createSocket, signal });
    }
    if (tls === undefined) return (signal) => connect({ ...limits, ...socket, signal });
    return async (signal) => {
      const material = await readTlsFiles(tls);
      const name = tls.serverName ?? socket.host;
      const createSocket = () =>
        connectTls({
          ...socket,
          ...material,
          ...(isIP(name) === 0 ? { servername: name } : {}),
          ALPNProtocols: ["h2"],
          minVersion: "TLSv1.2",
        });
      try {
        return await connect({
          ...limits,
          ...socket,
          scheme: "https",
          authority: name,
          createSocket,
          signal,
        });
      } catch (error) {
        signal.throwIfAborted();
        throw new Error(`${address}: no connection over TLS: ${reasonOf(error)}`, { cause: error });
      }
    };
  };
}

/** What the two sides could not agree on; OpenSSL's own messages say it among addresses of its source. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return "reason" in cause && typeof cause.reason === "string" ? cause.reason : cause.message;
}
