// Holds a record against the published schema before it is written, so that no reader ever meets a file the schema forbids.

import { readFile } from "node:fs/promises";
import { Ajv } from "ajv";

export class InvalidReportError extends Error {
  /** One line for each broken rule, with the place in the record. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the report breaks its own schema:\n${problems.join("\n")}`);
    this.name = "InvalidReportError";
    this.problems = problems;
  }
}

const schemaFile = new URL("report.schema.json", import.meta.url);

/** Takes the record as JSON will hold it. Throws InvalidReportError. */
export async function validateReport(record: unknown): Promise<void> {
  const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(
    JSON.parse(await readFile(schemaFile, "utf8")),
  );
  if (validate(record)) return;
  const problems = (validate.errors ?? []).map((error) => `${error.instancePath || "/"} ${error.message}`);
  throw new InvalidReportError(problems.slice(0, 20));
}
