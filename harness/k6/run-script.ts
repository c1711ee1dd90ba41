// A whole run of a script, as k6 runs it: the first pass over it for its options, setup, the scenarios, teardown, thresholds, summary.

import { dirname } from "node:path";
import { ExitCode, RunFailure } from "./exit-codes.ts";
import { type GeneratorVerdict, watchGenerator } from "./generator-watch.ts";
import { MetricRegistry } from "./metric-registry.ts";
import { type Options, parseOptions, type Scenario } from "./options.ts";
import { plannedMs, plannedUsers, runScenario } from "./run-scenario.ts";
import { loadScript, type Script } from "./script-loader.ts";
import { exportedSummary, type SummaryInput, summaryData, summaryText, writeOutputs } from "./summary.ts";
import { createContext, exported, VirtualUser } from "./virtual-user.ts";
import { CheckCounts, type RunState, type ScenarioState, type VuContext, vuStorage } from "./vu-context.ts";

export interface RunOptions {
  /** Absolute path of the script. */
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where the summary is written as JSON, in the form of k6's --summary-export; absent: nowhere. */
  readonly summaryExport?: string | undefined;
  readonly print: (line: string) => void;
  /** A line that replaces the one before. */
  readonly progress: (line: string) => void;
  /** Ends the run early; k6's exit code for it is 105. */
  readonly signal: AbortSignal;
}

/** Resolves with the exit code; never rejects for what the script does. */
export async function runScript(options: RunOptions): Promise<number> {
  try {
    return await new ScriptRun(options).run();
  } catch (error) {
    options.print(`error: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof RunFailure ? error.exitCode : ExitCode.SCRIPT_EXCEPTION;
  }
}

class ScriptRun {
  readonly #given: RunOptions;
  readonly #registry = new MetricRegistry();
  readonly #ending = new AbortController();
  readonly #state: RunState;
  #abortReason: string | undefined = undefined;
  #thresholdAborted = false;
  #users = 0;
  #errors = 0;

  constructor(given: RunOptions) {
    this.#given = given;
    this.#state = {
      registry: this.#registry,
      directory: dirname(given.file),
      env: given.env,
      sharedArrays: new Map(),
      startedAt: Date.now(),
      vusActive: 0,
      vusInitialized: 0,
      iterationsCompleted: 0,
      iterationsInterrupted: 0,
      checks: new CheckCounts(),
      options: undefined,
      abort: (reason) => {
        this.#abortReason ??= reason;
        this.#ending.abort();
      },
    };
  }

  async run(): Promise<number> {
    const context = createContext(this.#state, 0);
    const script = await this.#load(context);
    this.#state.options = script.options ?? {};
    const options = parseOptions(script.options);
    this.#registry.select(options.thresholds);
    for (const { exec } of options.scenarios) exported(script, exec);
    Object.assign(context.tags, options.tags);
    const stopOnSignal = (): void => this.#ending.abort();
    this.#given.signal.addEventListener("abort", stopOnSignal, { once: true });
    try {
      const data = await this.#lifeCycle(context, script, "setup", options.setupTimeoutMs, undefined);
      const { seconds, generator } = await this.#runScenarios(options, data);
      await this.#lifeCycle(context, script, "teardown", options.teardownTimeoutMs, data);
      await this.#summarize(context, script, { options, setupData: data, seconds });
      return this.#exitCode(seconds, generator);
    } finally {
      this.#given.signal.removeEventListener("abort", stopOnSignal);
      for (const work of [...context.open, ...context.connections]) work.close();
    }
  }

  async #load(context: VuContext): Promise<Script> {
    try {
      return await loadScript(this.#given.file, context);
    } catch (error) {
      if (error instanceof RunFailure) throw error;
      throw scriptException("the script", error);
    }
  }

  /** setup and teardown, when the script has them. */
  async #lifeCycle(
    context: VuContext,
    script: Script,
    phase: "setup" | "teardown",
    timeoutMs: number,
    data: unknown,
  ): Promise<unknown> {
    context.phase = phase;
    const run = script[phase];
    if (typeof run !== "function") return undefined;
    const code = phase === "setup" ? ExitCode.SETUP_TIMEOUT : ExitCode.TEARDOWN_TIMEOUT;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new RunFailure(code, `${phase} took more than ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      const result = await Promise.race([vuStorage.run(context, async () => run(data)), late]);
      // k6 hands it on as JSON.
      return result === undefined ? undefined : JSON.parse(JSON.stringify(result));
    } catch (error) {
      if (error instanceof RunFailure) throw error;
      throw scriptException(phase, error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #runScenarios(
    options: Options,
    data: unknown,
  ): Promise<{ readonly seconds: number; readonly generator: GeneratorVerdict }> {
    const prepared = [];
    for (const scenario of options.scenarios) prepared.push(await this.#prepare(scenario, options, data));
    const startedAt = performance.now();
    const elapsed = (): number => (performance.now() - startedAt) / 1_000;
    const watch = watchGenerator(() => this.#everySecond(elapsed(), options));
    await Promise.all(prepared.map((start) => start()));
    return { seconds: elapsed(), generator: watch.stop() };
  }

  /** Makes a scenario's users ready, one after another as k6 does. */
  async #prepare(scenario: Scenario, options: Options, data: unknown): Promise<() => Promise<void>> {
    let startedAt = Date.now();
    const state: ScenarioState = {
      scenario,
      get startedAt() {
        return startedAt;
      },
      progress: () => Math.min(1, (Date.now() - startedAt) / Math.max(1, plannedMs(scenario.executor))),
      iterations: 0,
    };
    const initialize = (): Promise<VirtualUser> =>
      VirtualUser.load({
        file: this.#given.file,
        run: this.#state,
        id: ++this.#users,
        scenario: state,
        data,
        tags: options.tags,
        onError: (error) => this.#report(scenario, error),
      });
    const users: VirtualUser[] = [];
    for (let i = plannedUsers(scenario.executor); i > 0; i--) users.push(await initialize());
    const dropped = (): void => {
      this.#registry.add("dropped_iterations", 1, {
        ...options.tags,
        ...scenario.tags,
        scenario: scenario.name,
      });
    };
    return async () => {
      await pause(scenario.startTimeMs, this.#ending.signal);
      startedAt = Date.now();
      await runScenario({ scenario, state, initialize, dropped, ending: this.#ending.signal }, users);
    };
  }

  #everySecond(seconds: number, options: Options): void {
    const { vusActive, vusInitialized, iterationsCompleted } = this.#state;
    this.#registry.add("vus", vusActive, {});
    this.#registry.add("vus_max", vusInitialized, {});
    const planned =
      Math.max(...options.scenarios.map((each) => each.startTimeMs + plannedMs(each.executor))) / 1_000;
    this.#given.progress(
      `${seconds.toFixed(0)}s of ${planned.toFixed(0)}s, ${vusActive}/${vusInitialized} VUs, ${iterationsCompleted} iterations`,
    );
    if (this.#registry.mustAbort(seconds)) {
      this.#thresholdAborted = true;
      this.#ending.abort();
    }
  }

  /** The first few errors are told one by one, the others counted: a load test has thousands of the same. */
  #report(scenario: Scenario, error: unknown): void {
    if (error instanceof RunFailure) return;
    this.#errors++;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (this.#errors <= MOST_ERRORS) this.#given.print(`error in ${scenario.name}: ${text}`);
  }

  async #summarize(
    context: VuContext,
    script: Script,
    outcome: Pick<SummaryInput, "options" | "setupData" | "seconds">,
  ): Promise<void> {
    if (this.#errors > MOST_ERRORS)
      this.#given.print(`${this.#errors - MOST_ERRORS} more errors in iterations`);
    const { checks } = this.#state;
    const data = summaryData({ ...outcome, registry: this.#registry, checks });
    const { summaryExport } = this.#given;
    if (summaryExport !== undefined) {
      writeOutputs({ [summaryExport]: `${JSON.stringify(exportedSummary(data), undefined, 4)}\n` });
    }
    if (typeof script.handleSummary !== "function") {
      process.stdout.write(summaryText(data, checks));
      return;
    }
    try {
      const handle = script.handleSummary as (data: unknown) => unknown;
      writeOutputs(await vuStorage.run(context, async () => handle(data)));
    } catch (error) {
      throw scriptException("handleSummary", error);
    }
  }

  #exitCode(seconds: number, generator: GeneratorVerdict): number {
    const { print } = this.#given;
    if (this.#abortReason !== undefined) {
      print(`test aborted: ${this.#abortReason}`);
      return ExitCode.SCRIPT_ABORTED;
    }
    if (this.#given.signal.aborted) return ExitCode.EXTERNAL_ABORT;
    const failed = this.#registry.verdicts(seconds).filter(({ ok }) => !ok);
    for (const { group, source } of failed) print(`threshold failed: ${group.name}: ${source}`);
    if (generator.saturated) {
      print(
        `generator saturated: busy in ${generator.busySeconds} of ${generator.seconds} s, so the latencies are its own; offer less, or run it on a core of its own`,
      );
      return ExitCode.GENERATOR_SATURATED;
    }
    return failed.length > 0 || this.#thresholdAborted ? ExitCode.THRESHOLDS_FAILED : ExitCode.OK;
  }
}

const MOST_ERRORS = 10;

function scriptException(where: string, error: unknown): RunFailure {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new RunFailure(ExitCode.SCRIPT_EXCEPTION, `${where} failed: ${text}`, { cause: error });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
