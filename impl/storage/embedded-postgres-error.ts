// Why an embedded server did not start: a stable code for programs, and for people a message that names
// the value and the rule it breaks.

export type EmbeddedPostgresFailure =
  | "INVALID_OPTION"
  | "NO_BINARIES"
  | "NO_ACCOUNT"
  | "DATA_DIR_UNUSABLE"
  | "DATA_DIR_IN_USE"
  | "OTHER_VERSION"
  | "PORT_TAKEN"
  | "START_FAILED";

export class EmbeddedPostgresError extends Error {
  readonly code: EmbeddedPostgresFailure;

  constructor(code: EmbeddedPostgresFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EmbeddedPostgresError";
    this.code = code;
  }
}
