// Holds a record against the published schema before it is written, so that no reader ever meets a file the schema forbids.

import { Ajv } from "ajv";
import schema from "./report.schema.json" with { type: "json" };

export class InvalidReportError extends Error {
  /** One line for each broken rule, with the place in the record. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the report breaks its own schema:\n${problems.join("\n")}`);
    this.name = "InvalidReportError";
    this.problems = problems;
  }
}

/** Takes the record as JSON will hold it. Throws InvalidReportError. */
export function validateReport(record: unknown): void {
  const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(schema);
  if (validate(record)) return;
  const problems = (validate.errors ?? []).map((error) => `${error.instancePath || "/"} ${error.message}`);
  throw new InvalidReportError(problems.slice(0, 20));
}
