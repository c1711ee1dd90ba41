// Keeps a number of calls in flight and starts one whenever one ends: how much the system can do, and what it costs. Its
// latencies are those of a caller who waits for each answer, so they say little about a system that stalls: see open-loop.ts.

import type { Arm } from "./driver.ts";
import { type LoadClock, systemClock } from "./load-clock.ts";
import type { LoadResult } from "./slice.ts";
import { SliceRecorder } from "./slice-recorder.ts";
import { defaultValidityLimits, type ValidityLimits } from "./slice-validity.ts";

export interface ClosedLoopOptions<Request> {
  readonly arm: Arm<Request>;
  /** Calls in flight. */
  readonly concurrency: number;
  readonly durationMs: number;
  /** Default: all of it. */
  readonly sliceMs?: number;
  /** How long open calls are waited for after the end. Default 5000. */
  readonly drainTimeoutMs?: number;
  /** Index of the first request; default 0. */
  readonly firstIndex?: number;
  readonly limits?: ValidityLimits;
  readonly clock?: LoadClock;
}

/** A call belongs to the slice in which it ended; those that end after the last slice are in `endedAfter` only. */
export async function runClosedLoop<Request>(options: ClosedLoopOptions<Request>): Promise<LoadResult> {
  const { arm, concurrency, durationMs, sliceMs, drainTimeoutMs, firstIndex, limits, clock } =
    checked(options);
  const recorder = new SliceRecorder({ loop: "closed", arms: [arm], durationMs, sliceMs, clock, limits });
  const endMicros = durationMs * 1000;
  const now = () => clock.nowMicros() - recorder.startMicros;
  const drained = Promise.withResolvers<void>();
  let index = firstIndex;
  let open = 0;
  let endedAfter = 0;
  let over = false;

  const start = () => {
    const request = arm.request(index++);
    const sentMicros = now();
    open++;
    arm.driver.send(request, (status) => onDone(status, sentMicros));
  };
  const onDone = (status: number, sentMicros: number) => {
    open--;
    const at = now();
    if (over || at >= endMicros) {
      endedAfter++;
      if (over && open === 0) drained.resolve();
      return;
    }
    recorder.advance(at);
    const cell = recorder.cell(at, 0);
    cell.intended++;
    cell.end(status, at - sentMicros, at - sentMicros);
    start();
  };

  for (let count = 0; count < concurrency; count++) start();
  await new Promise<void>((resolve) => void clock.after(durationMs, resolve));
  over = true;
  recorder.closeAll();
  if (open > 0) {
    const cancelTimer = clock.after(drainTimeoutMs, drained.resolve);
    await drained.promise;
    cancelTimer();
  }
  return { arms: recorder.result(), drainMs: now() / 1000 - durationMs, endedAfter: endedAfter + open };
}

function checked<Request>(options: ClosedLoopOptions<Request>): Required<ClosedLoopOptions<Request>> {
  const { concurrency, durationMs, sliceMs = durationMs } = options;
  if (!(Number.isInteger(concurrency) && concurrency >= 1)) {
    throw new RangeError(`concurrency must be a whole number from 1, got ${concurrency}`);
  }
  if (!(durationMs > 0)) throw new RangeError(`durationMs must be above 0, got ${durationMs}`);
  if (!(sliceMs > 0)) throw new RangeError(`sliceMs must be above 0, got ${sliceMs}`);
  return {
    drainTimeoutMs: 5000,
    firstIndex: 0,
    limits: defaultValidityLimits,
    clock: systemClock,
    ...options,
    sliceMs,
  };
}
