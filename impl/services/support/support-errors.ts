// The errors of rooms. None of them holds what was said: an error is logged.
import { failedPrecondition, RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";

export function roomClosed(roomId: string): RpcError {
  return failedPrecondition("ROOM_CLOSED", roomId, `Room ${roomId} is closed`);
}

export function notJoined(roomId: string): RpcError {
  return failedPrecondition("ROOM_NOT_JOINED", roomId, `Room ${roomId} was not joined on this stream`);
}

export function tooManyRooms(limit: number): RpcError {
  return exhausted("TOO_MANY_ROOMS", `one stream can be in ${limit} rooms`, "rooms of the stream");
}

/** `retryDelayMs`: when the next action is allowed. */
export function tooFast(perSecond: number, retryDelayMs: number): RpcError {
  return exhausted(
    "TOO_FAST",
    `one stream can do ${perSecond} things a second`,
    "actions of the stream",
    retryDelayMs,
  );
}

function exhausted(reason: string, description: string, subject: string, retryDelayMs?: number): RpcError {
  return new RpcError({
    code: Code.RESOURCE_EXHAUSTED,
    reason,
    message: description,
    details: [
      { type: "QuotaFailure", violations: [{ subject, description }] },
      ...(retryDelayMs === undefined ? [] : [{ type: "RetryInfo", delayMs: retryDelayMs } as const]),
    ],
  });
}
