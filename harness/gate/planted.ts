// A regression to plant into head's process, as the environment that does it.

export interface Planted {
  /** CPU per call. */
  readonly burnMicros?: number;
  /** Sleep on the event loop per call; a timer of the kernel makes it some 50 µs longer. */
  readonly waitMicros?: number;
  /** Response bytes per call. */
  readonly padBytes?: number;
}

const preload = new URL("./inject/burden.ts", import.meta.url).href;

/** Nothing for nothing planted. */
export function plantedEnv({
  burnMicros = 0,
  waitMicros = 0,
  padBytes = 0,
}: Planted): Record<string, string> {
  const parts = [
    ...(burnMicros > 0 ? [`burn:${burnMicros}`] : []),
    ...(waitMicros > 0 ? [`wait:${waitMicros}`] : []),
    ...(padBytes > 0 ? [`pad:${Math.round(padBytes)}`] : []),
  ];
  if (parts.length === 0) return {};
  return { NODE_OPTIONS: `--import=${preload}`, GATE_INJECT: parts.join(",") };
}
