// A system that ended while it was needed: which one, how, and the last it said.

export class SystemDiedError extends Error {
  readonly system: string;
  readonly logTail: string;

  constructor(system: string, how: string, logTail: string, options?: ErrorOptions) {
    super(
      `system "${system}" ended unasked with ${how}\n--- its last lines ---\n${logTail || "(none)"}`,
      options,
    );
    this.name = "SystemDiedError";
    this.system = system;
    this.logTail = logTail;
  }
}
