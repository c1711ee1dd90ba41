// What the code of a script must find out about where it runs: which virtual user, which scenario, and whether the run has begun.

import { AsyncLocalStorage } from "node:async_hooks";
import type { MetricRegistry, Tags } from "./metric-registry.ts";
import type { Scenario } from "./options.ts";

/** Of a scenario while it runs. */
export interface ScenarioState {
  readonly scenario: Scenario;
  readonly startedAt: number;
  /** 0 to 1. */
  progress(): number;
  iterations: number;
}

/** How often each check held and did not, in the order in which they were first met. */
export class CheckCounts {
  readonly #counts = new Map<string, { passes: number; fails: number }>();

  count(name: string, held: boolean): void {
    const counts = this.#counts.get(name) ?? { passes: 0, fails: 0 };
    this.#counts.set(name, counts);
    if (held) counts.passes++;
    else counts.fails++;
  }

  list(): { readonly name: string; readonly passes: number; readonly fails: number }[] {
    return [...this.#counts].map(([name, counts]) => ({ name, ...counts }));
  }
}

/** Of the whole run. */
export interface RunState {
  readonly registry: MetricRegistry;
  /** Directory of the script: what files are relative to. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly sharedArrays: Map<string, readonly unknown[]>;
  readonly startedAt: number;
  vusActive: number;
  vusInitialized: number;
  iterationsCompleted: number;
  iterationsInterrupted: number;
  readonly checks: CheckCounts;
  /** The script's own, as it exported them. */
  options: unknown;
  /** Set by test.abort. */
  abort(reason: string): void;
}

/** Of a virtual user. */
export interface VuContext {
  readonly run: RunState;
  /** From 1; 0 in the first pass over the script, and in setup and teardown. */
  readonly id: number;
  phase: "init" | "setup" | "iteration" | "teardown";
  scenario: ScenarioState | undefined;
  /** Iterations of this virtual user before this one, and of the scenario. */
  iterationInInstance: number;
  iterationInTest: number;
  /** Tags that the script gives its samples. */
  readonly tags: Record<string, string>;
  /** How late the iteration began, in milliseconds; undefined without an arrival rate. */
  lateMs: number | undefined;
  /** Streams and timers that are still open: an iteration is not over before they are. */
  readonly open: Set<Closable>;
  /** Called when `open` becomes empty. */
  onIdle: (() => void) | undefined;
  /** Called with what a callback of the script throws. */
  onError: ((error: unknown) => void) | undefined;
  /** Math.random of the script, once it was seeded. */
  random: (() => number) | undefined;
  /** Connections, kept between iterations. */
  readonly connections: Set<Closable>;
  /** Ends with the iteration when it is interrupted. */
  interrupt: AbortSignal;
}

export interface Closable {
  close(): void;
}

export const vuStorage = new AsyncLocalStorage<VuContext>();

/** Throws outside of a script. */
export function currentVu(): VuContext {
  const vu = vuStorage.getStore();
  if (vu === undefined) throw new Error("this can be called from a script only");
  return vu;
}

/** Throws unless the script is being loaded, which is where k6 allows it. */
export function requireInit(what: string): VuContext {
  const vu = currentVu();
  if (vu.phase !== "init") throw new Error(`${what} can be called in the init context only`);
  return vu;
}

/** Throws while the script is being loaded. */
export function requireVu(what: string): VuContext {
  const vu = currentVu();
  if (vu.phase === "init") throw new Error(`${what} cannot be called in the init context`);
  return vu;
}

export function hold(vu: VuContext, work: Closable): void {
  vu.open.add(work);
}

export function release(vu: VuContext, work: Closable): void {
  if (vu.open.delete(work) && vu.open.size === 0) vu.onIdle?.();
}

/** Adds a sample with the tags of where the script is. */
export function sample(vu: VuContext, metric: string, value: number, tags: Tags = {}): void {
  const { registry } = vu.run;
  const scenario = vu.scenario?.scenario;
  registry.add(metric, value, {
    ...(scenario === undefined ? {} : { scenario: scenario.name, ...scenario.tags }),
    ...vu.tags,
    ...tags,
  });
}
