// How an event stream ends other than by its caller, its deadline or its last message. See event.proto.
import { RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import type { EventsExpired, SlowConsumer } from "#impl/storage/events/event-errors.ts";
import { ResumeExpired } from "#proto/ecommerce/v1/event.ts";

/** A pause for a reader that was too slow: it would only fall behind again at once. */
const SLOW_RETRY_DELAY_MS = 1_000;

/** OUT_OF_RANGE: neither the token nor the events after it are kept for ever. */
export function resumeExpired(
  snapshotToken: () => string | undefined,
  cause: EventsExpired | RpcError,
): RpcError {
  const known = cause instanceof RpcError ? {} : { oldestEventTime: new Date(cause.oldestTime) };
  const detail = ResumeExpired.fromPartial({ snapshotToken: snapshotToken() ?? "", ...known });
  return new RpcError({
    code: Code.OUT_OF_RANGE,
    reason: "RESUME_TOKEN_EXPIRED",
    message:
      "resume_token has expired: the events after it are no longer kept; begin again with snapshot_token",
    details: [
      {
        type: "Message",
        typeName: "ecommerce.v1.ResumeExpired",
        value: ResumeExpired.encode(detail).finish(),
      },
    ],
    cause,
  });
}

/** RESOURCE_EXHAUSTED, with the place where the stream goes on. */
export function tooSlow(cause: SlowConsumer, resumeToken: string | undefined): RpcError {
  return new RpcError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: "SLOW_CONSUMER",
    message: "the stream was not read for too long while events waited; it can be resumed",
    values: resumeToken === undefined ? {} : { resume_token: resumeToken },
    details: [{ type: "RetryInfo", delayMs: SLOW_RETRY_DELAY_MS }],
    trailers: resumeToken === undefined ? [] : [["resume-token", resumeToken]],
    cause,
  });
}
