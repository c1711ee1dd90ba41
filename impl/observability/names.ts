// Every name that leaves the process in a metric, a span or a log line, and the bounds of the histograms. A dashboard, an alert or a
// query that breaks when a name changes breaks here: the names are pinned by a contract test.
// Metrics speak two vocabularies: the short one of this project, and gRPC's own (gRFC A66) in its Prometheus form.

export const METRIC = {
  requests: "grpc_requests_total",
  requestDuration: "grpc_request_duration_seconds",
  started: "grpc_server_call_started_total",
  duration: "grpc_server_call_duration_seconds",
  sentSize: "grpc_server_call_sent_total_compressed_message_size_bytes",
  receivedSize: "grpc_server_call_rcvd_total_compressed_message_size_bytes",
  openCalls: "grpc_server_open_calls",
  cacheHits: "response_cache_hits_total",
  cacheMisses: "response_cache_misses_total",
  cacheEntries: "response_cache_entries",
  cacheBytes: "response_cache_bytes",
  databaseConnections: "database_connections",
  databaseWaiting: "database_waiting_callers",
  databaseQueries: "database_queries_total",
  logLinesDropped: "log_lines_dropped_total",
  revocationsUp: "revocation_stream_up",
  revocationsHeld: "revocations_held",
  overloadLimit: "overload_call_limit",
  overloadCalls: "overload_calls",
  overloadStreams: "overload_streams",
  overloadRefused: "overload_refused_calls_total",
  rateLimited: "rate_limited_calls_total",
  rateShared: "rate_limit_shared",
  rateInMemory: "rate_limit_memory_decisions_total",
} as const;

export const LABEL = {
  /** "package.Service", "Method" and a gRPC code such as "NOT_FOUND". */
  service: "service",
  method: "method",
  status: "status",
  /** "package.Service/Method" and a gRPC code. */
  grpcMethod: "grpc_method",
  grpcStatus: "grpc_status",
  /** Of database connections: "busy" or "idle". */
  state: "state",
  /** Of rate limits: "read", "search", ... */
  rateClass: "rate_class",
  /** Of overload: what there was too much of, "calls", "turn" or "streams". */
  bound: "bound",
} as const;

/** Upper bounds in seconds of the histogram of requests. */
export const REQUEST_DURATION_BOUNDS: readonly number[] = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Latency bounds of gRFC A66, in seconds. */
export const A66_LATENCY_BOUNDS: readonly number[] = [
  0, 0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01,
  0.013, 0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65,
  0.8, 1, 2, 5, 10, 20, 50, 100,
];

/** Size bounds of gRFC A66, in bytes. */
export const A66_SIZE_BOUNDS: readonly number[] = [
  0, 1024, 2048, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864, 268435456, 1073741824,
  4294967296,
];

/** Attributes of OpenTelemetry's conventions for RPC. */
export const ATTRIBUTE = {
  system: "rpc.system.name",
  method: "rpc.method",
  statusCode: "rpc.status_code",
  errorType: "error.type",
} as const;

/** The value of `ATTRIBUTE.system`. */
export const RPC_SYSTEM = "grpc";

/** Fields of log lines. Every line has the first three. */
export const FIELD = {
  level: "level",
  /** Milliseconds since the epoch. */
  time: "time",
  message: "msg",
  method: "method",
  code: "code",
  /** ErrorInfo.reason of a call that failed. */
  reason: "reason",
  durationMs: "durationMs",
  bytesIn: "bytesIn",
  bytesOut: "bytesOut",
  peer: "peer",
  userId: "userId",
  /** For whom a service called. */
  onBehalfOf: "onBehalfOf",
  traceId: "traceId",
  cached: "cached",
  error: "err",
} as const;

/** The value of `AUDIT_FIELD.stream`: by it audit lines are told from the log where both go to one place. */
export const AUDIT_STREAM = "audit";

/** Fields of audit lines beside those of the event itself. */
export const AUDIT_FIELD = {
  stream: "stream",
  /** Milliseconds since the epoch. */
  time: "time",
  method: "method",
  /** Where the caller is, without its port. */
  address: "address",
  /** Who called: a user, or a service. */
  caller: "caller",
  /** The API key that it called with. */
  callerKey: "callerKey",
  /** For whom a service called. */
  onBehalfOf: "onBehalfOf",
  traceId: "traceId",
} as const;

/** The message of the line that every call ends with. */
export const CALL_MESSAGE = "call";

/** Request metadata that carries the trace, by W3C Trace Context. */
export const TRACEPARENT = "traceparent";

/** "package.Service/Method": a method's name in metrics and spans. */
export function fullMethodName(path: string): string {
  return path.startsWith("/") ? path.slice(1) : path;
}
