// The module "k6/metrics": metrics of the script's own, made in the init context.

import type { Metric as Defined } from "../metric-registry.ts";
import type { MetricType } from "../sinks.ts";
import { requireInit, requireVu, sample } from "../vu-context.ts";

abstract class Metric {
  readonly name: string;

  constructor(type: MetricType, name: string, isTime = false) {
    const { run } = requireInit("a metric");
    const defined: Defined = run.registry.define(name, type, isTime ? "time" : "default");
    this.name = defined.name;
  }

  add(value: number | boolean, tags: Record<string, string> = {}): void {
    const amount = Number(value);
    if (!Number.isFinite(amount))
      throw new TypeError(`metric ${this.name}: ${String(value)} is not a number`);
    sample(requireVu("add"), this.name, amount, tags);
  }
}

export class Counter extends Metric {
  constructor(name: string, isTime?: boolean) {
    super("counter", name, isTime);
  }
}

export class Gauge extends Metric {
  constructor(name: string, isTime?: boolean) {
    super("gauge", name, isTime);
  }
}

export class Rate extends Metric {
  constructor(name: string, isTime?: boolean) {
    super("rate", name, isTime);
  }
}

export class Trend extends Metric {
  constructor(name: string, isTime?: boolean) {
    super("trend", name, isTime);
  }
}
