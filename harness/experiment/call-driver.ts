// A driver of calls of any kind: each call is a function that makes it on a connection. Connections are taken in turn.

import { gunzipSync } from "node:zlib";
import { type Driver, noStatus } from "#harness/load/driver.ts";
import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";
import type { UnaryResult } from "#wire/unary-call.ts";

/** Makes one call. `onDone` is to be called once, later, with its status or `noStatus`. */
export type CallOn = (connection: WireConnection, onDone: (status: number) => void) => void;

/** One whose status comes later; what throws had no answer. */
export const callOf =
  (run: (connection: WireConnection) => Promise<number>): CallOn =>
  (connection, onDone) => {
    run(connection).then(onDone, () => onDone(noStatus));
  };

export interface CallDriver extends Driver<CallOn> {
  readonly connections: readonly WireConnection[];
  close(): Promise<void>;
}

export async function connectCallDriver(
  address: { readonly host: string; readonly port: number },
  count: number,
): Promise<CallDriver> {
  const connections: WireConnection[] = [];
  const close = async () => void (await Promise.all(connections.map((connection) => connection.close())));
  try {
    while (connections.length < count) connections.push(await connect(address));
  } catch (error) {
    await close();
    throw error;
  }
  let turn = 0;
  return {
    connections,
    close,
    send(call, onDone) {
      turn = (turn + 1) % connections.length;
      const connection = connections[turn];
      if (connection === undefined) throw new RangeError("a driver needs a connection");
      call(connection, onDone);
    },
    wireBytes: () => {
      const stats = connections.map((connection) => connection.stats());
      return {
        sent: stats.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
        received: stats.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0),
      };
    },
  };
}

export function statusOf(result: UnaryResult): number {
  return result.failure === undefined ? result.grpcStatus : noStatus;
}

/** A message as it was before it was compressed, if it was. */
export function plain(message: Uint8Array, compressed: boolean): Uint8Array {
  return compressed ? gunzipSync(message) : message;
}
