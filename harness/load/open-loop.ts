// Sends calls when a plan says so, whatever the systems do: a slow answer delays no later call, and a call that had to wait,
// for the generator or for a free place in flight, is timed from the moment it was meant to be sent. No call of the plan is
// ever left out of the result: one that was not over when the run was counts as unknown, with the time it had waited so far.

import type { ArrivalPlan } from "./arrivals.ts";
import { type Arm, noStatus } from "./driver.ts";
import { type LoadClock, systemClock } from "./load-clock.ts";
import type { LoadResult } from "./slice.ts";
import type { SliceCell } from "./slice-cell.ts";
import { SliceRecorder } from "./slice-recorder.ts";
import { defaultValidityLimits, type ValidityLimits } from "./slice-validity.ts";

export interface OpenLoopOptions<Request> {
  readonly plan: ArrivalPlan;
  /** As many as the plan was made for. */
  readonly arms: readonly Arm<Request>[];
  readonly sliceMs: number;
  /** Calls open at once on each arm; further ones wait, and are counted as deferred. Default 1000. */
  readonly maxInFlight?: number;
  /** How long open calls are waited for after the plan's end. Default 5000. */
  readonly drainTimeoutMs?: number;
  readonly limits?: ValidityLimits;
  readonly clock?: LoadClock;
  /** Ends the run early: it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** setTimeout is up to a millisecond or two late, so it is trusted only until this long before an arrival. */
const timerGraceMicros = 2000;

interface OpenCall {
  readonly index: number;
  readonly intendedMicros: number;
  readonly cell: SliceCell;
  sentMicros: number | null;
}

interface ArmState<Request> extends Arm<Request> {
  readonly open: Set<OpenCall>;
  /** First come, first sent; `next` is its head. */
  readonly waiting: OpenCall[];
  next: number;
}

export async function runOpenLoop<Request>(options: OpenLoopOptions<Request>): Promise<LoadResult> {
  const { signal } = options;
  signal?.throwIfAborted();
  const run = new OpenLoop(checked(options));
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([run.result, aborted.promise]);
  } finally {
    signal?.removeEventListener("abort", abort);
    run.stop();
  }
}

class OpenLoop<Request> {
  readonly result: Promise<LoadResult>;
  readonly #finished = Promise.withResolvers<LoadResult>();
  readonly #plan: ArrivalPlan;
  readonly #clock: LoadClock;
  readonly #arms: readonly ArmState<Request>[];
  readonly #recorder: SliceRecorder;
  readonly #maxInFlight: number;
  readonly #drainTimeoutMs: number;
  #arrival = 0;
  #spun = false;
  #planOver = false;
  #over = false;
  #cancelTimer = () => {};

  constructor(options: Required<Omit<OpenLoopOptions<Request>, "signal">>) {
    this.#plan = options.plan;
    this.#clock = options.clock;
    this.#arms = options.arms.map((arm) => ({ ...arm, open: new Set(), waiting: [], next: 0 }));
    this.#maxInFlight = options.maxInFlight;
    this.#drainTimeoutMs = options.drainTimeoutMs;
    this.result = this.#finished.promise;
    const durationMs = options.plan.durationMicros / 1000;
    this.#recorder = new SliceRecorder({ ...options, loop: "open", durationMs });
    this.#turn();
  }

  /** Nothing more is sent or scheduled. */
  stop(): void {
    this.#over = true;
    this.#cancelTimer();
  }

  /** One turn of the pacer: sends all that is due, then sleeps or spins until the next arrival. */
  #turn(): void {
    if (this.#over) return;
    const { atMicros, arm, durationMicros } = this.#plan;
    let now = this.#now();
    this.#recorder.meter.turn(now, this.#spun);
    for (let due = atMicros[this.#arrival]; due !== undefined && due <= now; due = atMicros[this.#arrival]) {
      this.#recorder.advance(due);
      this.#arrive(this.#arrival, due, arm[this.#arrival] ?? 0, now);
      this.#arrival++;
      now = this.#now();
    }
    this.#recorder.advance(now);
    const next = atMicros[this.#arrival] ?? durationMicros;
    if (next >= durationMicros && now >= durationMicros) this.#endPlan();
    else this.#wait(next - now);
  }

  #wait(micros: number): void {
    this.#spun = micros <= timerGraceMicros;
    const turn = () => this.#turn();
    if (this.#spun) this.#clock.soon(turn);
    else
      this.#cancelTimer = this.#clock.after(
        Math.max(1, Math.floor((micros - timerGraceMicros) / 1000)),
        turn,
      );
  }

  #arrive(index: number, intendedMicros: number, armIndex: number, nowMicros: number): void {
    const arm = this.#arms[armIndex];
    if (arm === undefined) throw new RangeError(`the plan has an arm ${armIndex}, the run has not`);
    const cell = this.#recorder.cell(intendedMicros, armIndex);
    cell.intended++;
    this.#recorder.lag(intendedMicros, cell, nowMicros - intendedMicros);
    const call = { index, intendedMicros, cell, sentMicros: null };
    if (arm.open.size < this.#maxInFlight) {
      this.#send(arm, call);
    } else {
      cell.deferred++;
      arm.waiting.push(call);
    }
  }

  #send(arm: ArmState<Request>, call: OpenCall): void {
    arm.open.add(call);
    this.#recorder.meter.work();
    try {
      const request = arm.request(call.index);
      call.sentMicros = this.#now();
      arm.driver.send(request, (status) => this.#onDone(arm, call, status));
    } catch (error) {
      // Thrown into a timer or a socket's callback, it would end the process instead of the run.
      this.stop();
      this.#finished.reject(error);
    }
  }

  #onDone(arm: ArmState<Request>, call: OpenCall, status: number): void {
    if (this.#over) return;
    this.#recorder.meter.work();
    arm.open.delete(call);
    end(call, status, this.#now());
    const next = arm.waiting[arm.next];
    if (next !== undefined) {
      arm.next++;
      this.#send(arm, next);
    } else if (this.#planOver) {
      this.#finishIfDrained();
    }
  }

  #endPlan(): void {
    this.#planOver = true;
    this.#recorder.closeAll();
    this.#cancelTimer = this.#clock.after(this.#drainTimeoutMs, () => this.#finish());
    this.#finishIfDrained();
  }

  #finishIfDrained(): void {
    if (this.#arms.every((arm) => arm.open.size === 0)) this.#finish();
  }

  #finish(): void {
    this.stop();
    const now = this.#now();
    for (const arm of this.#arms) {
      for (const call of arm.open) end(call, noStatus, now);
      for (const call of arm.waiting.slice(arm.next)) end(call, noStatus, now);
    }
    const drainMs = (now - this.#plan.durationMicros) / 1000;
    this.#finished.resolve({ arms: this.#recorder.result(), drainMs, endedAfter: 0 });
  }

  /** Microseconds since the plan's beginning. */
  #now(): number {
    return this.#clock.nowMicros() - this.#recorder.startMicros;
  }
}

function end(call: OpenCall, status: number, nowMicros: number): void {
  const serviceMicros = call.sentMicros === null ? null : nowMicros - call.sentMicros;
  call.cell.end(status, nowMicros - call.intendedMicros, serviceMicros);
}

function checked<Request>(
  options: OpenLoopOptions<Request>,
): Required<Omit<OpenLoopOptions<Request>, "signal">> {
  const { plan, arms, sliceMs, maxInFlight = 1000, drainTimeoutMs = 5000 } = options;
  const { limits = defaultValidityLimits, clock = systemClock } = options;
  if (!(sliceMs > 0)) throw new RangeError(`sliceMs must be above 0, got ${sliceMs}`);
  if (!(Number.isInteger(maxInFlight) && maxInFlight >= 1)) {
    throw new RangeError(`maxInFlight must be a whole number from 1, got ${maxInFlight}`);
  }
  if (!(drainTimeoutMs >= 0))
    throw new RangeError(`drainTimeoutMs must not be negative, got ${drainTimeoutMs}`);
  const armsOfPlan = plan.arm.reduce((most, arm) => Math.max(most, arm + 1), 1);
  if (arms.length < armsOfPlan)
    throw new RangeError(`the plan is for ${armsOfPlan} arms, got ${arms.length}`);
  return { plan, arms, sliceMs, maxInFlight, drainTimeoutMs, limits, clock };
}
