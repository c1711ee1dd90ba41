// Gives a traced call its server span. Whether a call is traced is decided before anything is made for it: by the caller's flag when it
// sent one, else by chance; a call that is not traced costs the look at its metadata.
import {
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { ATTRIBUTE, fullMethodName, RPC_SYSTEM } from "#impl/observability/names.ts";
import { incomingParent } from "#impl/observability/traceparent.ts";
import type { Tracing } from "#impl/observability/tracing.ts";
import type { Call } from "#impl/runtime/call.ts";
import type { Link } from "#impl/runtime/handler.ts";
import type { Method } from "#impl/runtime/method.ts";
import { Code, codeName, type Status } from "#impl/runtime/status.ts";

export function traceCalls(tracing: Tracing): Link {
  return (method, next) => {
    const begin = spanStarter(tracing, method);
    return (call, input) => {
      const parent = incomingParent(call);
      if (parent === undefined ? tracing.startsTrace() : isSampled(parent)) begin(call, parent);
      return next(call, input);
    };
  };
}

function isSampled(parent: SpanContext): boolean {
  return (parent.traceFlags & TraceFlags.SAMPLED) !== 0;
}

function spanStarter(
  { tracer }: Tracing,
  method: Method,
): (call: Call, parent: SpanContext | undefined) => void {
  const name = fullMethodName(method.path);
  const attributes = { [ATTRIBUTE.system]: RPC_SYSTEM, [ATTRIBUTE.method]: name };
  return (call, parent) => {
    const context =
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true });
    const startTime = call.environment.clock.now() - elapsedMs(call);
    const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes, startTime }, context);
    call.span = span;
    // From the start and the monotonic clock: the wall clock may step, and is too coarse for a call.
    call.onFinish((_, status) => endSpan(span, status, startTime + elapsedMs(call)));
  };
}

function elapsedMs(call: Call): number {
  return call.environment.clock.monotonic() - call.startedAt;
}

/** Codes that are the server's fault; the others answer the caller as they should. */
const SERVER_ERRORS = new Set<Code>([
  Code.UNKNOWN,
  Code.DEADLINE_EXCEEDED,
  Code.UNIMPLEMENTED,
  Code.INTERNAL,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
]);

function endSpan(span: Span, status: Status, endTime: number): void {
  const code = codeName(status.code);
  span.setAttribute(ATTRIBUTE.statusCode, code);
  if (SERVER_ERRORS.has(status.code)) {
    span.setAttribute(ATTRIBUTE.errorType, code);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end(endTime);
}
