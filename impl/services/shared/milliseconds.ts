// A duration of the wire in milliseconds. What is asked for in finer steps is rounded down.
import type { Duration } from "#proto/google/protobuf/duration.ts";

/** Undefined when it is absent. */
export function millisecondsOf(duration: Duration): number;
export function millisecondsOf(duration: Duration | undefined): number | undefined;
export function millisecondsOf(duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  return Number(duration.seconds) * 1_000 + Math.trunc(duration.nanos / 1_000_000);
}
