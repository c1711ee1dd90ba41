// A system that did not come up: which one, why, and the last it said.

export class SystemStartError extends Error {
  readonly system: string;
  readonly logTail: string;

  constructor(system: string, reason: string, logTail: string, options?: ErrorOptions) {
    super(
      `system "${system}" did not start: ${reason}\n--- its last lines ---\n${logTail || "(none)"}`,
      options,
    );
    this.name = "SystemStartError";
    this.system = system;
    this.logTail = logTail;
  }
}
