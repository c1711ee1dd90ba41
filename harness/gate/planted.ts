// A regression to plant into head's process, as the environment that does it.

import type { Burden } from "./inject/parse-burden.ts";

export type Planted = Partial<Burden>;

const preload = new URL("./inject/burden.ts", import.meta.url).href;

/** Nothing for nothing planted. */
export function plantedEnv({ burn = 0, burnShare = 0, wait = 0, pad = 0 }: Planted): Record<string, string> {
  const parts = [
    ...(burn > 0 ? [`burn:${burn}`] : []),
    ...(burnShare > 0 ? [`burn:${100 * burnShare}%`] : []),
    ...(wait > 0 ? [`wait:${wait}`] : []),
    ...(pad > 0 ? [`pad:${Math.round(pad)}`] : []),
  ];
  if (parts.length === 0) return {};
  return { NODE_OPTIONS: `--import=${preload}`, GATE_INJECT: parts.join(",") };
}
