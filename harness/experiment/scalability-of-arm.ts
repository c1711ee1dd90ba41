// How throughput grows with connections and with replicas. The total of CPU is the same everywhere: one core for gateway, replicas and
// database, so that what is seen is what sharing costs, and not what more machines would bring.

import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { AblationArm } from "./ablation-design.ts";
import type { CallDriver } from "./call-driver.ts";
import {
  type CapacityOptions,
  fewConnections,
  type Throughput,
  throughputOf,
  untilAborted,
  withCluster,
} from "./capacity-load.ts";
import type { OpenWorkload } from "./cluster-workload.ts";
import { fitScalability, NoFitError, type ScalabilityFit, type ScalabilityPoint } from "./scalability-law.ts";

export interface ScalabilitySeries {
  readonly arm: string;
  readonly over: "connections" | "replicas";
  readonly points: readonly ScalabilityPoint[];
  readonly slicesLeftOut: number;
  readonly fit: ScalabilityFit | undefined;
  /** Why there is none. */
  readonly noFit: string | undefined;
}

export async function scaleConnections(
  options: CapacityOptions,
  arm: AblationArm,
): Promise<ScalabilitySeries> {
  const { plan, signal, onStep } = options;
  const series = new Series();
  await untilAborted(signal, () =>
    withCluster(options, arm, undefined, async (connectTo) => {
      for (const n of plan.connections) {
        onStep(`throughput over ${n} connections`);
        await connectTo(n, (driver, opened) =>
          measurePoint(options, series, n, driver, opened, n * plan.callsPerConnection),
        );
      }
    }),
  );
  return series.fitted(arm.label, "connections", options.random);
}

export async function scaleReplicas(options: CapacityOptions, arm: AblationArm): Promise<ScalabilitySeries> {
  const { plan, signal, onStep } = options;
  const series = new Series();
  await untilAborted(signal, async () => {
    for (const n of plan.replicas) {
      onStep(`throughput over ${n} replicas`);
      await withCluster(options, arm, n, (connectTo) =>
        connectTo(fewConnections, (driver, opened) =>
          measurePoint(options, series, n, driver, opened, plan.callsInFlight),
        ),
      );
    }
  });
  return series.fitted(arm.label, "replicas", options.random);
}

class Series {
  readonly #points: ScalabilityPoint[] = [];
  #leftOut = 0;

  add(n: number, slices: readonly Throughput[]): void {
    const valid = slices.filter((slice) => slice.valid);
    this.#leftOut += slices.length - valid.length;
    if (valid.length > 0) this.#points.push({ n, throughputs: valid.map((slice) => slice.callsPerSecond) });
  }

  fitted(arm: string, over: ScalabilitySeries["over"], random: SeededRandom): ScalabilitySeries {
    const about = { arm, over, points: this.#points, slicesLeftOut: this.#leftOut };
    try {
      return { ...about, fit: fitScalability(this.#points, random.fork(`fit ${over}`)), noFit: undefined };
    } catch (error) {
      if (!(error instanceof NoFitError)) throw error;
      return { ...about, fit: undefined, noFit: error.message };
    }
  }
}

async function measurePoint(
  { plan, signal }: CapacityOptions,
  series: Series,
  n: number,
  driver: CallDriver,
  opened: OpenWorkload,
  concurrency: number,
): Promise<void> {
  await throughputOf(driver, opened, concurrency, plan.warmUpMs);
  const slices: Throughput[] = [];
  while (slices.length < plan.slices) {
    signal.throwIfAborted();
    slices.push(await throughputOf(driver, opened, concurrency, plan.sliceMs));
  }
  series.add(n, slices);
}
