// A new endpoint has cold caches and code that is not compiled yet: its share of calls grows with the time since it became available.

/** The part of its share that an endpoint takes `ageMs` after it became available, in [`floor`, 1]. A window of 0 is no slow start. */
export function rampAt(ageMs: number, windowMs: number, floor = 0.1): number {
  if (ageMs >= windowMs) return 1;
  return Math.max(floor, ageMs / windowMs);
}
