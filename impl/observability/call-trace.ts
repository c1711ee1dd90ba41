// The trace that a call belongs to, for lines that name it.
import { TraceFlags } from "@opentelemetry/api";
import type { Call } from "#impl/runtime/call.ts";
import { incomingParent } from "./traceparent.ts";

/** The trace id of a call that is traced. */
export function sampledTraceId(call: Call): string | undefined {
  const context = call.span?.spanContext();
  return context !== undefined && (context.traceFlags & TraceFlags.SAMPLED) !== 0
    ? context.traceId
    : undefined;
}

/** The same, else the id that the caller sent, traced or not. */
export function traceIdOf(call: Call): string | undefined {
  return sampledTraceId(call) ?? incomingParent(call)?.traceId;
}
