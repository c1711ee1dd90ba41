// Slices while they are being filled: one cell for each slice and arm, and the generator's cost and the drivers' byte counts
// read at each border. A call is written into the cell it was intended for, however late it ends.

import type { Arm, WireBytes } from "./driver.ts";
import { type GeneratorCost, GeneratorMeter } from "./generator-meter.ts";
import { Histogram } from "./histogram.ts";
import { percentileMicros } from "./latency.ts";
import type { LoadClock } from "./load-clock.ts";
import type { ArmSlices, Slice } from "./slice.ts";
import { SliceCell } from "./slice-cell.ts";
import { reasonsInvalid, type ValidityLimits } from "./slice-validity.ts";

export interface SliceRecorderOptions {
  readonly loop: "open" | "closed";
  readonly arms: readonly Pick<Arm<never>, "name" | "driver">[];
  readonly durationMs: number;
  readonly sliceMs: number;
  readonly clock: LoadClock;
  readonly limits: ValidityLimits;
}

/** What is known at a slice's border. */
interface Border {
  readonly cost: GeneratorCost;
  readonly bytes: readonly WireBytes[];
}

export class SliceRecorder {
  readonly meter: GeneratorMeter;
  readonly startMicros: number;
  readonly #options: SliceRecorderOptions;
  readonly #startedAt: number;
  readonly #sliceMicros: number;
  /** By slice, then by arm. */
  readonly #cells: SliceCell[][];
  /** How late the generator came, by slice: all arms together. */
  readonly #lags: Histogram[];
  readonly #borders: Border[] = [];
  #bytes: readonly WireBytes[];

  /** The first slice begins now. */
  constructor(options: SliceRecorderOptions) {
    this.#options = options;
    this.#sliceMicros = options.sliceMs * 1000;
    const slices = Math.max(1, Math.ceil(options.durationMs / options.sliceMs - 1e-9));
    this.#cells = Array.from({ length: slices }, () => options.arms.map(() => new SliceCell()));
    this.#lags = Array.from({ length: slices }, () => new Histogram());
    this.#bytes = options.arms.map((arm) => arm.driver.wireBytes());
    this.meter = new GeneratorMeter(options.clock);
    this.#startedAt = options.clock.epochMs();
    this.startMicros = options.clock.nowMicros();
  }

  cell(offsetMicros: number, arm: number): SliceCell {
    const cell = this.#cells[this.#indexOf(offsetMicros)]?.[arm];
    if (cell === undefined) throw new RangeError(`there is no arm ${arm}`);
    return cell;
  }

  lag(offsetMicros: number, cell: SliceCell, lagMicros: number): void {
    cell.sendLag.record(lagMicros);
    this.#lags[this.#indexOf(offsetMicros)]?.record(lagMicros);
  }

  /** Closes the slices that have ended by then; cheap when none has. */
  advance(offsetMicros: number): void {
    while (
      this.#borders.length < this.#cells.length - 1 &&
      offsetMicros >= (this.#borders.length + 1) * this.#sliceMicros
    ) {
      this.#close();
    }
  }

  /** Closes every slice: the time of the run is over, though calls may still be open. */
  closeAll(): void {
    while (this.#borders.length < this.#cells.length) this.#close();
  }

  result(): ArmSlices[] {
    return this.#options.arms.map((arm, index) => ({
      arm: arm.name,
      slices: this.#cells.map((_, slice) => this.#slice(slice, index)),
    }));
  }

  #indexOf(offsetMicros: number): number {
    return Math.min(Math.floor(offsetMicros / this.#sliceMicros), this.#cells.length - 1);
  }

  #close(): void {
    const before = this.#bytes;
    this.#bytes = this.#options.arms.map((arm) => arm.driver.wireBytes());
    const bytes = this.#bytes.map((now, arm) => ({
      sent: now.sent - (before[arm]?.sent ?? 0),
      received: now.received - (before[arm]?.received ?? 0),
    }));
    this.#borders.push({ cost: this.meter.lap(), bytes });
  }

  #slice(index: number, arm: number): Slice {
    const { loop, durationMs, sliceMs, limits } = this.#options;
    const border = this.#borders[index];
    const cell = this.#cells[index]?.[arm];
    if (border === undefined || cell === undefined) throw new RangeError(`slice ${index} was not closed`);
    const invalidBecause = reasonsInvalid(
      {
        loop,
        utilization: border.cost.utilization,
        sendLagP99Micros: percentileMicros(this.#lags[index]?.snapshot() ?? cell.sendLag.snapshot(), 99),
        intended: cell.intended,
        failedOrUnknown: cell.failed + cell.unknown,
      },
      limits,
    );
    return {
      loop,
      startedAt: this.#startedAt + index * sliceMs,
      durationMs: Math.min(sliceMs, durationMs - index * sliceMs),
      ...cell.counts(),
      wireBytesSent: border.bytes[arm]?.sent ?? 0,
      wireBytesReceived: border.bytes[arm]?.received ?? 0,
      generatorCpuMicros: border.cost.cpuMicros,
      generatorSpinMicros: border.cost.spinMicros,
      generatorUtilization: border.cost.utilization,
      valid: invalidBecause.length === 0,
      invalidBecause,
    };
  }
}
