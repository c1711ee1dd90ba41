// Stopping, and what is told of a process.
import { integer, oneOf, optional, ratio } from "./setting.ts";

export const operations = {
  DRAIN_DELAY_MS: integer(
    "Between NOT_SERVING and the closing of connections, for balancers to notice.",
    0,
    0,
    600_000,
  ),
  DRAIN_GRACE_MS: integer("How long open calls are given to finish on shutdown.", 10_000, 0, 600_000),
  LOG_LEVEL: oneOf(
    "Least severe level that is logged.",
    ["debug", "info", "warn", "error", "silent"],
    "info",
  ),
  AUDIT_FILE: optional(
    'File to which security events are appended, a line each. Without it they go to the log, marked "stream":"audit".',
  ),
  TRACE_SAMPLE_RATIO: ratio("Share of calls without a traced parent that are traced.", 0.01),
  OTLP_ENDPOINT: optional(
    "Where spans are sent: an OTLP/HTTP traces URL. Without it spans are not exported.",
  ),
  PROFILE_ALLOCATIONS: oneOf(
    "Count allocated bytes for /debug/runtime; costs a little at each garbage collection.",
    ["0", "1"],
    "0",
  ),
};
