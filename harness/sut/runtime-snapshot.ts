// What the system says of its own process at /debug/runtime: cumulative counters, of which differences are taken.
// A field that is missing or of another type is an error here, not a NaN in a report.

export interface RuntimeSnapshot {
  readonly pid: number;
  readonly node: string;
  readonly v8: string;
  readonly execArgv: readonly string[];
  readonly cpuMicros: number;
  /** Null where allocations are not profiled. */
  readonly allocatedBytes: number | null;
  readonly gcCount: number;
  readonly gcMajorCount: number;
  readonly gcPauseMicros: number;
  /** Cumulative milliseconds. */
  readonly loopActive: number;
  readonly loopIdle: number;
  /** How late a timer was, cumulative; null where the system does not tell, as older ones do not. */
  readonly loopDelay: { readonly count: number; readonly sumMs: number } | null;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly calls: number;
  readonly databaseQueries: number;
  /** Only where the process owns an embedded database and listens on loopback. Holds a password: never report it. */
  readonly databaseUrl: string | undefined;
}

/** `body` is the JSON text of /debug/runtime. Throws TypeError naming the field. */
export function parseRuntimeSnapshot(body: string): RuntimeSnapshot {
  const read = reader(JSON.parse(body));
  return {
    pid: read.number("pid"),
    node: read.text("node"),
    v8: read.text("v8"),
    execArgv: read.texts("execArgv"),
    cpuMicros: read.number("cpuMicros.user") + read.number("cpuMicros.system"),
    allocatedBytes: read.at("allocatedBytes") === null ? null : read.number("allocatedBytes"),
    gcCount: read.number("gc.count"),
    gcMajorCount: read.number("gc.majorCount"),
    gcPauseMicros: read.number("gc.pauseMicros"),
    loopActive: read.number("eventLoop.active"),
    loopIdle: read.number("eventLoop.idle"),
    loopDelay:
      read.at("eventLoop.delay") == null
        ? null
        : { count: read.number("eventLoop.delay.count"), sumMs: read.number("eventLoop.delay.sumMs") },
    rssBytes: read.number("rssBytes"),
    heapUsedBytes: read.number("heapUsedBytes"),
    calls: read.number("calls"),
    databaseQueries: read.number("databaseQueries"),
    databaseUrl: read.at("databaseUrl") == null ? undefined : read.text("databaseUrl"),
  };
}

function reader(root: unknown) {
  const at = (path: string): unknown =>
    path.split(".").reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), root);
  const wrong = (path: string, wanted: string) =>
    new TypeError(`/debug/runtime: ${path} must be ${wanted}, got ${JSON.stringify(at(path))}`);
  return {
    at,
    number: (path: string): number => {
      const value = at(path);
      if (typeof value !== "number" || !Number.isFinite(value)) throw wrong(path, "a number");
      return value;
    },
    text: (path: string): string => {
      const value = at(path);
      if (typeof value !== "string") throw wrong(path, "a string");
      return value;
    },
    texts: (path: string): string[] => {
      const value = at(path);
      if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
        throw wrong(path, "a list of strings");
      }
      return value;
    },
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
