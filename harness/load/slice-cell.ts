// The calls of one slice on one arm, counted as they end. Each ends in it exactly once: completed, failed or unknown.

import { noStatus } from "./driver.ts";
import { Histogram } from "./histogram.ts";
import type { Slice } from "./slice.ts";

type Counts = Pick<
  Slice,
  | "intended"
  | "completed"
  | "failed"
  | "unknown"
  | "deferred"
  | "statusCounts"
  | "latency"
  | "serviceTime"
  | "sendLag"
>;

export class SliceCell {
  intended = 0;
  completed = 0;
  failed = 0;
  unknown = 0;
  deferred = 0;
  readonly latency = new Histogram();
  readonly serviceTime = new Histogram();
  readonly sendLag = new Histogram();
  readonly #statuses = new Map<number, number>();

  /** `latencyMicros` from the intended time; `serviceMicros` from the sending, null if it never was sent. */
  end(status: number, latencyMicros: number, serviceMicros: number | null): void {
    if (status === 0) this.completed++;
    else if (status === noStatus) this.unknown++;
    else this.failed++;
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    this.latency.record(latencyMicros);
    if (serviceMicros !== null) this.serviceTime.record(serviceMicros);
  }

  counts(): Counts {
    const { intended, completed, failed, unknown, deferred } = this;
    const named = [...this.#statuses].map(([status, count]) => [
      status === noStatus ? "none" : `${status}`,
      count,
    ]);
    return {
      intended,
      completed,
      failed,
      unknown,
      deferred,
      statusCounts: Object.fromEntries(named),
      latency: this.latency.snapshot(),
      serviceTime: this.serviceTime.snapshot(),
      sendLag: this.sendLag.snapshot(),
    };
  }
}
