// One line a call, when it ends: who, what, how it went, how long. Of a call that failed by our fault the cause is logged here, and nowhere
// else. Never the request, its metadata or the text of the status, which may name a person. Lines without a cause are composed by hand:
// the same JSON that pino writes, at half its cost.
import { sampledTraceId } from "#impl/observability/call-trace.ts";
import type { Logging } from "#impl/observability/logging.ts";
import { CALL_MESSAGE, FIELD } from "#impl/observability/names.ts";
import type { Call } from "#impl/runtime/call.ts";
import { reasonOf } from "#impl/runtime/error-details.ts";
import type { Link } from "#impl/runtime/handler.ts";
import type { Method } from "#impl/runtime/method.ts";
import { Code, codeName, type Status } from "#impl/runtime/status.ts";

export function accessLog(logging: Logging): Link {
  return (method, next) => {
    const onFinish = lineWriter(logging, method);
    return (call, input) => {
      call.onFinish(onFinish);
      return next(call, input);
    };
  };
}

type Level = "info" | "warn" | "error";

/** What somebody should look at: our faults at once, trouble of dependencies and limits when it adds up. */
const LEVELS: ReadonlyMap<Code, Level> = new Map([
  [Code.UNKNOWN, "error"],
  [Code.INTERNAL, "error"],
  [Code.DATA_LOSS, "error"],
  [Code.UNAVAILABLE, "warn"],
  [Code.DEADLINE_EXCEEDED, "warn"],
  [Code.RESOURCE_EXHAUSTED, "warn"],
  [Code.UNIMPLEMENTED, "warn"],
]);

function lineWriter(logging: Logging, method: Method): (call: Call, status: Status) => void {
  const enabled = {
    info: logging.isEnabled("info"),
    warn: logging.isEnabled("warn"),
    error: logging.isEnabled("error"),
  };
  const afterTime = `,"${FIELD.message}":"${CALL_MESSAGE}","${FIELD.method}":${JSON.stringify(method.path)},"${FIELD.code}":"`;
  return (call, status) => {
    const level = status.code === Code.OK ? "info" : (LEVELS.get(status.code) ?? "info");
    if (!enabled[level]) return;
    if (level !== "info" && status.cause !== undefined) {
      logging.log[level](fieldsWithCause(call, status), CALL_MESSAGE);
      return;
    }
    const { clock } = call.environment;
    const start = `{"${FIELD.level}":"${level}","${FIELD.time}":${clock.now()}`;
    logging.writeLine(`${start}${afterTime}${codeName(status.code)}"${remainder(call, status)}}\n`);
  };
}

/** The line from after the code to before the closing brace. */
function remainder(call: Call, status: Status): string {
  let text = `,"${FIELD.durationMs}":${durationMs(call)},"${FIELD.bytesIn}":${call.receivedBytes},"${FIELD.bytesOut}":${call.sentBytes},"${FIELD.peer}":${JSON.stringify(call.peer)}`;
  if (call.principal !== undefined) text += `,"${FIELD.userId}":${JSON.stringify(call.principal.userId)}`;
  if (call.onBehalfOf !== undefined) {
    text += `,"${FIELD.onBehalfOf}":${JSON.stringify(call.onBehalfOf.userId)}`;
  }
  if (call.span !== undefined) {
    const traceId = sampledTraceId(call);
    if (traceId !== undefined) text += `,"${FIELD.traceId}":"${traceId}"`;
  }
  if (call.servedFromCache) text += `,"${FIELD.cached}":true`;
  if (status.details.length > 0) text += `,"${FIELD.reason}":${JSON.stringify(reasonOf(status.details))}`;
  return text;
}

/** The same as an object, with the error. */
function fieldsWithCause(call: Call, status: Status): object {
  const traceId = sampledTraceId(call);
  return {
    [FIELD.method]: call.method.path,
    [FIELD.code]: codeName(status.code),
    [FIELD.durationMs]: durationMs(call),
    [FIELD.bytesIn]: call.receivedBytes,
    [FIELD.bytesOut]: call.sentBytes,
    [FIELD.peer]: call.peer,
    ...(call.principal === undefined ? {} : { [FIELD.userId]: call.principal.userId }),
    ...(call.onBehalfOf === undefined ? {} : { [FIELD.onBehalfOf]: call.onBehalfOf.userId }),
    ...(traceId === undefined ? {} : { [FIELD.traceId]: traceId }),
    ...(call.servedFromCache ? { [FIELD.cached]: true } : {}),
    [FIELD.reason]: reasonOf(status.details),
    [FIELD.error]: status.cause,
  };
}

/** Milliseconds, to the microsecond. */
function durationMs(call: Call): number {
  return Math.round((call.environment.clock.monotonic() - call.startedAt) * 1_000) / 1_000;
}
