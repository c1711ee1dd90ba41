// What the generator itself costs while it runs. A pacer that spins until the next arrival is always awake, so the event loop's
// own figure would call it overloaded: turns in which nothing was sent and nothing answered are taken out. What remains
// is the share of time in which a call had to wait for the generator.

import type { LoadClock } from "./load-clock.ts";

export interface GeneratorCost {
  /** CPU of the whole process, spinning included. */
  readonly cpuMicros: number;
  /** Spinning, as wall time. */
  readonly spinMicros: number;
  /** Busy share of the event loop without spinning, 0 to 1. */
  readonly utilization: number;
}

export class GeneratorMeter {
  readonly #clock: LoadClock;
  #at: number;
  #cpu: number;
  #active: number;
  #spin = 0;
  #turnAt: number | undefined = undefined;
  #worked = false;

  constructor(clock: LoadClock) {
    this.#clock = clock;
    this.#at = clock.nowMicros();
    this.#cpu = clock.cpuMicros();
    this.#active = clock.activeMicros();
  }

  /** A call was sent or answered. */
  work(): void {
    this.#worked = true;
  }

  /** The pacer begins a turn; `spun` when its last turn ended by asking for the next one at once. */
  turn(nowMicros: number, spun: boolean): void {
    if (spun && !this.#worked && this.#turnAt !== undefined) this.#spin += nowMicros - this.#turnAt;
    this.#turnAt = nowMicros;
    this.#worked = false;
  }

  /** The cost since the last lap. */
  lap(): GeneratorCost {
    const at = this.#clock.nowMicros();
    const cpu = this.#clock.cpuMicros();
    const active = this.#clock.activeMicros();
    const busy = active - this.#active - this.#spin;
    const cost = {
      cpuMicros: cpu - this.#cpu,
      spinMicros: this.#spin,
      utilization: Math.min(1, Math.max(0, busy / Math.max(1, at - this.#at))),
    };
    this.#at = at;
    this.#cpu = cpu;
    this.#active = active;
    this.#spin = 0;
    return cost;
  }
}
