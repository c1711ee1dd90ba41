// W3C Trace Context at the borders of the process: what came in, and what goes out with calls made on behalf of a call.
import type { SpanContext } from "@opentelemetry/api";
import { parseTraceParent } from "@opentelemetry/core";
import type { Call } from "#impl/runtime/call.ts";
import { TRACEPARENT } from "./names.ts";

/** The caller's span; undefined when it sent none, or one that is malformed, which the standard says to ignore. */
export function incomingParent(call: Call): SpanContext | undefined {
  const header = call.metadata.get(TRACEPARENT);
  return header === undefined ? undefined : (parseTraceParent(header) ?? undefined);
}

/**
 * The `traceparent` of calls made on behalf of `call`: its own span when it is traced, else what it was given. Undefined when it has
 * neither; the callee then decides for itself whether a trace begins.
 */
export function traceparentFor(call: Call): string | undefined {
  if (call.span === undefined) {
    return incomingParent(call) === undefined ? undefined : call.metadata.get(TRACEPARENT);
  }
  const { traceId, spanId, traceFlags } = call.span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}
