/** Why a call ended without the server's own grpc-status, and which status it gets instead. */
import { GrpcStatus } from "./grpc-status.ts";

/** Ends from our own side: nothing more is to come, whatever the server does. */
export type LocalEnd = "not-processed" | "queue-full" | "cancelled" | "closed";

/**
 * - `not-processed`: surely not seen by the application (GOAWAY, REFUSED_STREAM, or never sent): safe to repeat.
 * - `queue-full`: never sent, too many calls wait for a stream.
 * - `cancelled`: by `cancel`. `closed`: by `close`. `reset`: the server sent RST_STREAM.
 * - `connection-lost`: the connection ended under the call; it may or may not have been processed.
 * - `message-too-large`, `malformed-response`, `not-grpc`: the response was given up.
 */
export type CallFailure =
  | LocalEnd
  | "reset"
  | "connection-lost"
  | "message-too-large"
  | "malformed-response"
  | "not-grpc";

export function statusOfLocalEnd(why: LocalEnd): number {
  switch (why) {
    case "not-processed":
      return GrpcStatus.UNAVAILABLE;
    case "queue-full":
      return GrpcStatus.RESOURCE_EXHAUSTED;
    case "cancelled":
    case "closed":
      return GrpcStatus.CANCELLED;
  }
}
