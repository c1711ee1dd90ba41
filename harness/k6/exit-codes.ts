// How a run ended, in k6's own numbers, and one of ours.

export const ExitCode = {
  OK: 0,
  /** Ours: the generator was too busy to be believed. */
  GENERATOR_SATURATED: 98,
  THRESHOLDS_FAILED: 99,
  SETUP_TIMEOUT: 100,
  TEARDOWN_TIMEOUT: 101,
  INVALID_CONFIG: 104,
  EXTERNAL_ABORT: 105,
  SCRIPT_EXCEPTION: 107,
  SCRIPT_ABORTED: 108,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Ends a run with a code of its own. */
export class RunFailure extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RunFailure";
    this.exitCode = exitCode;
  }
}

export function invalidConfig(message: string): RunFailure {
  return new RunFailure(ExitCode.INVALID_CONFIG, message);
}
