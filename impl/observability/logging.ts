// The process's log: one JSON object a line, by pino, in one order with the lines that calls end with. Whatever a caller passes is made
// loggable first: plain, bounded, without secrets. Logging never throws.
import { type Logger as PinoLogger, pino } from "pino";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import type { LogOutput } from "./log-output.ts";
import { createLoggableFields, type LoggableFields } from "./loggable.ts";
import { FIELD } from "./names.ts";
import type { SensitiveNames } from "./sensitive-names.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggingOptions {
  /** Lines below it are not written. A RangeError if it is not one of LOG_LEVELS. */
  readonly level: string;
  readonly clock: Clock;
  readonly output: LogOutput;
  /** Of the contract whose messages are logged; default none. */
  readonly sensitive?: SensitiveNames;
}

export interface Logging {
  readonly log: Logger;
  isEnabled(level: Exclude<LogLevel, "silent">): boolean;
  /** For lines that are composed by hand: one JSON object with FIELD.level, time and message, and its line feed. */
  writeLine(line: string): void;
  /** For people: text as it is, in order with the log. */
  print(text: string): void;
  /** Logs what ends the process, and returns when it is written. */
  fatal(error: unknown, message: string): void;
}

export function createLogging({ level, clock, output, sensitive = new Map() }: LoggingOptions): Logging {
  const known = LOG_LEVELS.find((name) => name === level);
  if (known === undefined)
    throw new RangeError(`log level "${level}": must be one of ${LOG_LEVELS.join(", ")}`);
  const loggableFields = createLoggableFields(sensitive);
  const root = pino(
    {
      level: known,
      base: null,
      messageKey: FIELD.message,
      timestamp: () => `,"${FIELD.time}":${clock.now()}`,
      formatters: { level: (label) => ({ [FIELD.level]: label }) },
      // Errors are made loggable before pino sees them.
      serializers: { err: (value) => value },
    },
    { write: (line: string) => output.write(line) },
  );
  return {
    log: withPino(root, loggableFields),
    isEnabled: (name) => root.isLevelEnabled(name),
    writeLine: (line) => output.write(line),
    print: (text) => output.write(`${text}\n`),
    fatal(error, message) {
      root.fatal(loggableFields({ [FIELD.error]: error }), message);
      output.flushSync();
    },
  };
}

function withPino(logger: PinoLogger, loggableFields: LoggableFields): Logger {
  const at = (level: "debug" | "info" | "warn" | "error"): Logger["info"] => {
    return (fields, message) => {
      if (logger.isLevelEnabled(level)) logger[level](loggableFields(fields), message);
    };
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => withPino(logger.child(loggableFields(fields)), loggableFields),
  };
}
