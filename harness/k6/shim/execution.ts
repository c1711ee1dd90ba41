// The module "k6/execution": where a script is in the run.

import { ExitCode, RunFailure } from "../exit-codes.ts";
import { currentVu, type ScenarioState, type VuContext } from "../vu-context.ts";

function running(vu: VuContext): ScenarioState {
  if (vu.scenario === undefined) throw new Error("scenario is known while one runs only");
  return vu.scenario;
}

const scenario = {
  get name(): string {
    return running(currentVu()).scenario.name;
  },
  get executor(): string {
    return running(currentVu()).scenario.executor.kind;
  },
  /** Milliseconds since 1970. */
  get startTime(): number {
    return running(currentVu()).startedAt;
  },
  get progress(): number {
    return running(currentVu()).progress();
  },
  get iterationInInstance(): number {
    return currentVu().iterationInTest;
  },
  get iterationInTest(): number {
    return currentVu().iterationInTest;
  },
};

const vu = {
  get iterationInInstance(): number {
    return currentVu().iterationInInstance;
  },
  get iterationInScenario(): number {
    return currentVu().iterationInInstance;
  },
  get idInInstance(): number {
    return currentVu().id;
  },
  get idInTest(): number {
    return currentVu().id;
  },
  metrics: {
    get tags(): Record<string, string> {
      return currentVu().tags;
    },
  },
};

const instance = {
  get iterationsInterrupted(): number {
    return currentVu().run.iterationsInterrupted;
  },
  get iterationsCompleted(): number {
    return currentVu().run.iterationsCompleted;
  },
  get vusActive(): number {
    return currentVu().run.vusActive;
  },
  get vusInitialized(): number {
    return currentVu().run.vusInitialized;
  },
  /** Milliseconds. */
  get currentTestRunDuration(): number {
    return Date.now() - currentVu().run.startedAt;
  },
};

const test = {
  /** Ends the run; k6's exit code for it is 108. */
  abort(reason = "test.abort was called"): never {
    currentVu().run.abort(reason);
    throw new RunFailure(ExitCode.SCRIPT_ABORTED, reason);
  },
  get options(): unknown {
    return currentVu().run.options;
  },
};

// biome-ignore lint/style/noDefaultExport: scripts import this module as a whole, as in k6.
export default { scenario, vu, instance, test };
export { instance, scenario, test, vu };
