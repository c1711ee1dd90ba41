// The load driver: prepared requests over connections of the wire client, taken in turn. Nothing is encoded, decoded or kept for
// a call, so that the generator costs a small share of what it measures.

import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";
import type { PreparedRequest, UnaryRequest } from "#wire/prepared-request.ts";
import type { UnaryResult } from "#wire/unary-call.ts";
import { type Driver, noStatus } from "./driver.ts";

export interface WireDriver extends Driver<PreparedRequest> {
  /** Encodes a request once, for any number of sendings on any of the connections. Throws RangeError if it cannot be sent. */
  prepare(request: UnaryRequest): PreparedRequest;
  close(): Promise<void>;
}

export interface WireDriverOptions {
  readonly host: string;
  readonly port: number;
  /** Default 1. Give arms that are compared the same number. */
  readonly connections?: number;
}

/** Rejects with the wire client's ConnectionError, leaving none of the connections open. */
export async function connectWireDriver({
  host,
  port,
  connections: count = 1,
}: WireDriverOptions): Promise<WireDriver> {
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new RangeError(`connections must be a whole number from 1, got ${count}`);
  }
  const attempts = await Promise.allSettled(Array.from({ length: count }, () => connect({ host, port })));
  const connections = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value] : []));
  const close = async () => void (await Promise.all(connections.map((connection) => connection.close())));
  const refused = attempts.find((attempt) => attempt.status === "rejected");
  const [first] = connections;
  if (refused !== undefined || first === undefined) {
    await close();
    throw refused?.reason;
  }
  return { ...roundRobin(first, connections), prepare: (request) => first.prepare(request), close };
}

function roundRobin(first: WireConnection, connections: readonly WireConnection[]): Driver<PreparedRequest> {
  let turn = 0;
  return {
    send: (request, onDone) => {
      turn = (turn + 1) % connections.length;
      (connections[turn] ?? first).unary(request, (result) => onDone(statusOf(result)));
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

/** A status the client made up for a failure of the connection is not the server's answer. */
function statusOf(result: UnaryResult): number {
  switch (result.failure) {
    case undefined:
    case "message-too-large":
    case "malformed-response":
    case "not-grpc":
      return result.grpcStatus;
    default:
      return noStatus;
  }
}
