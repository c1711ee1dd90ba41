// The windows of a stream that are not final: they fill, become final as the watermark passes their ends, and are let go of. Pure.
// Invariant: what an event adds is in every window that holds its time, but for those that were final when it came.
import { type Entry, type MetricSums, type PaneLimits, PaneSums } from "./pane-sums.ts";
import { firstWindow, lastWindow, paneOf, spanOf, type WindowFrame } from "./window-frame.ts";

export interface OpenWindowsState {
  /** The first window that is shown. */
  readonly begin: number;
  /** The first window that is not final; -Infinity while there is no watermark. */
  readonly closed: number;
  /** Events that belonged to a window that was final. */
  readonly late: number;
}

export interface WindowSums {
  readonly index: number;
  readonly sums: ReadonlyMap<number, MetricSums>;
}

export class OpenWindows {
  readonly frame: WindowFrame;
  readonly #sums: PaneSums;
  readonly #changed = new Set<number>();
  readonly #begin: number;
  #closed: number;
  #late: number;

  constructor(frame: WindowFrame, { begin, closed, late }: OpenWindowsState, limits: PaneLimits) {
    this.frame = frame;
    this.#sums = new PaneSums(frame, limits);
    this.#begin = begin;
    this.#closed = closed;
    this.#late = late;
  }

  get state(): OpenWindowsState {
    return { begin: this.#begin, closed: this.#closed, late: this.#late };
  }

  /** The first window that is still to be shown. */
  get first(): number {
    return Math.max(this.#begin, this.#closed);
  }

  /** Sums in memory. */
  get size(): number {
    return this.#sums.size;
  }

  /** An event that has come; with `again` one that had come before the stream was cut off, which is late no second time. */
  take(time: number, entries: readonly Entry[], again = false): void {
    if (entries.length === 0) return;
    if (!again && firstWindow(this.frame, time) < this.#closed) this.#late += 1;
    if (lastWindow(this.frame, time) < this.first) return;
    for (const entry of entries) this.#sums.add(time, entry);
    this.#changed.add(paneOf(this.frame, time));
  }

  /** Makes every window final that the watermark has passed, one with each step, and gives those in which something happened. */
  *pass(watermark: number): Generator<WindowSums> {
    const end = firstWindow(this.frame, watermark);
    this.#closed = Math.max(this.#closed, Math.min(end, this.#begin));
    while (this.#closed < end) {
      if (this.#sums.panes === 0) {
        this.#closed = end;
        break;
      }
      const window = this.window(this.#closed);
      this.#closed += 1;
      this.#forget(spanOf(this.frame, this.first).start);
      if (window.sums.size > 0) yield window;
    }
  }

  /** The windows that have changed since this was last asked, in order; they are not final. */
  changed(): number[] {
    const indexes = new Set<number>();
    for (const pane of this.#changed) {
      const last = lastWindow(this.frame, pane);
      for (let index = Math.max(this.first, firstWindow(this.frame, pane)); index <= last; index++)
        indexes.add(index);
    }
    this.#changed.clear();
    return [...indexes].sort((one, other) => one - other);
  }

  /** What has changed until now was told. */
  forgetChanges(): void {
    this.#changed.clear();
  }

  window(index: number): WindowSums {
    return { index, sums: this.#sums.window(index) };
  }

  #forget(time: number): void {
    this.#sums.forget(time);
    for (const pane of this.#changed) if (pane < time) this.#changed.delete(pane);
  }
}
