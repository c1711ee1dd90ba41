// One virtual user: a script of its own, one iteration at a time.

import { invalidConfig } from "./exit-codes.ts";
import { loadScript, type Script } from "./script-loader.ts";
import { type RunState, type ScenarioState, sample, type VuContext, vuStorage } from "./vu-context.ts";

export function createContext(run: RunState, id: number): VuContext {
  return {
    run,
    id,
    phase: "init",
    scenario: undefined,
    iterationInInstance: 0,
    iterationInTest: 0,
    tags: {},
    lateMs: undefined,
    open: new Set(),
    onIdle: undefined,
    onError: undefined,
    random: undefined,
    connections: new Set(),
    interrupt: new AbortController().signal,
  };
}

export interface VirtualUserOptions {
  readonly file: string;
  readonly run: RunState;
  readonly id: number;
  readonly scenario: ScenarioState;
  /** Of every sample. */
  readonly tags: Readonly<Record<string, string>>;
  /** What setup returned. */
  readonly data: unknown;
  readonly onError: (error: unknown) => void;
}

export class VirtualUser {
  readonly #context: VuContext;
  readonly #function: (data: unknown) => unknown;
  readonly #data: unknown;
  readonly #onError: (error: unknown) => void;
  #interrupt = new AbortController();
  #iterations = 0;

  private constructor(context: VuContext, script: Script, options: VirtualUserOptions) {
    this.#context = context;
    this.#function = exported(script, options.scenario.scenario.exec);
    // A copy of its own, as in k6: what one user does to it no other sees.
    this.#data = options.data === undefined ? undefined : structuredClone(options.data);
    this.#onError = options.onError;
  }

  static async load(options: VirtualUserOptions): Promise<VirtualUser> {
    const { run, id, scenario, file } = options;
    const context = createContext(run, id);
    const script = await loadScript(file, context);
    context.phase = "iteration";
    context.scenario = scenario;
    Object.assign(context.tags, options.tags);
    run.vusInitialized++;
    return new VirtualUser(context, script, options);
  }

  /** Resolves when the iteration and all that it began is over, or when it is interrupted. Never rejects. */
  async iterate(lateMs: number | undefined): Promise<void> {
    const vu = this.#context;
    const { run, scenario } = vu;
    if (scenario === undefined) throw new Error("a virtual user without a scenario cannot iterate");
    vu.lateMs = lateMs;
    vu.iterationInInstance = this.#iterations++;
    vu.iterationInTest = scenario.iterations++;
    vu.interrupt = this.#interrupt.signal;
    run.vusActive++;
    const startedAt = performance.now();
    await Promise.race([vuStorage.run(vu, () => this.#run()), aborted(vu.interrupt)]);
    const tookMs = performance.now() - startedAt;
    run.vusActive--;
    if (vu.interrupt.aborted) {
      run.iterationsInterrupted++;
      return;
    }
    // An iteration that waits for nothing must not keep timers and sockets waiting.
    await new Promise((resolve) => setImmediate(resolve));
    run.iterationsCompleted++;
    sample(vu, "iteration_duration", tookMs);
    sample(vu, "iterations", 1);
  }

  /** Ends the iteration that runs, if one does. */
  interrupt(): void {
    this.#interrupt.abort(new Error("the iteration was interrupted"));
    for (const work of [...this.#context.open]) work.close();
  }

  /** After an interruption the user can iterate again. */
  revive(): void {
    if (this.#interrupt.signal.aborted) this.#interrupt = new AbortController();
  }

  close(): void {
    this.interrupt();
    for (const connection of [...this.#context.connections]) connection.close();
  }

  async #run(): Promise<void> {
    const vu = this.#context;
    vu.onError = this.#onError;
    try {
      await this.#function(this.#data);
    } catch (error) {
      if (!vu.interrupt.aborted) this.#onError(error);
    }
    if (vu.open.size === 0) return;
    await new Promise<void>((resolve) => {
      vu.onIdle = resolve;
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** Throws naming the function that the script does not export. */
export function exported(script: Script, name: string): (data: unknown) => unknown {
  const found = script[name];
  if (typeof found === "function") return found as (data: unknown) => unknown;
  throw invalidConfig(`function "${name}" is not exported by the script`);
}
