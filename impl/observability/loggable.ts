// What may be logged of any value: plain, bounded, scrubbed. Objects that are not plain are named and not walked, since nobody knows what
// they hold (request metadata holds the credentials). What stands under the name of a field that the contract marks as sensitive is replaced,
// wherever it stands, so that a message can be logged like anything else.
import { scrub } from "./scrub.ts";
import type { SensitiveNames } from "./sensitive-names.ts";

const MAX_DEPTH = 6;
const MAX_ENTRIES = 50;
const MAX_TEXT = 8_192;

const SECRET_KEY =
  /^(authorization|cookie|set[-_]?cookie|.*passw(or)?d|.*secret|.*token|.*api[-_]?key|private[-_]?key|card|.*card[-_]?number|pan|cvv|cvc|security[-_]?code|.*e[-_]?mail)$/i;

/** Properties of errors that name a cause and quote no value. */
const ERROR_PROPERTIES = [
  "code",
  "reason",
  "severity",
  "schema",
  "table",
  "column",
  "constraint",
  "syscall",
] as const;

/** An object's fields as they may be logged; always an object. Never throws. */
export type LoggableFields = (fields: object) => Record<string, unknown>;

export function createLoggableFields(sensitive: SensitiveNames): LoggableFields {
  const walk = walker(sensitive);
  return (fields) => {
    try {
      return walk(fields, 0);
    } catch {
      return { unloggable: true };
    }
  };
}

type Walk = (object: object, depth: number) => Record<string, unknown>;

function walker(sensitive: SensitiveNames): Walk {
  const walk: Walk = (object, depth) => {
    const entries = Object.entries(object).slice(0, MAX_ENTRIES);
    // A field of a oneof is named by the value of $case.
    const ofCase = "$case" in object ? sensitive.get(String(object.$case)) : undefined;
    const replacementOf = (key: string): string | undefined => {
      if (key === "value" && ofCase !== undefined) return ofCase;
      return sensitive.get(key) ?? (SECRET_KEY.test(key) ? "[secret]" : undefined);
    };
    return Object.fromEntries(
      entries.map(([key, value]) => [key, replacementOf(key) ?? loggable(walk, value, depth + 1)]),
    );
  };
  return walk;
}

function loggable(walk: Walk, value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "string":
      return loggableText(value);
    case "number":
      return Number.isSafeInteger(value) && value > 1e12 ? unlessScrubbed(value) : value;
    case "bigint":
      return scrub(String(value));
    case "boolean":
      return value;
    case "object":
      return value === null ? null : loggableObject(walk, value, depth);
    default:
      return undefined;
  }
}

function loggableText(text: string): string {
  return scrub(text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text);
}

function unlessScrubbed(value: number): unknown {
  const text = String(value);
  const scrubbed = scrub(text);
  return scrubbed === text ? value : scrubbed;
}

function loggableObject(walk: Walk, value: object, depth: number): unknown {
  if (value instanceof Error) return loggableError(walk, value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[date]" : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return "[deep]";
  if (Array.isArray(value))
    return value.slice(0, MAX_ENTRIES).map((one) => loggable(walk, one, depth + 1) ?? null);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return walk(value, depth);
  return `[${value.constructor?.name ?? "object"}]`;
}

/** Type, message, stack and stable properties, and the same of its causes. */
function loggableError(walk: Walk, error: Error, depth: number): Record<string, unknown> {
  const fields: Record<string, unknown> = { type: error.name, message: loggableText(error.message) };
  const properties = new Map(Object.entries(error));
  for (const key of ERROR_PROPERTIES) {
    if (properties.has(key)) fields[key] = loggable(walk, properties.get(key), MAX_DEPTH);
  }
  if (error.stack !== undefined) fields.stack = loggableText(error.stack);
  if (depth >= MAX_DEPTH) return fields;
  if (error.cause !== undefined) fields.cause = loggable(walk, error.cause, depth + 1);
  if (error instanceof AggregateError) {
    fields.errors = error.errors.slice(0, MAX_ENTRIES).map((one) => loggable(walk, one, depth + 1));
  }
  return fields;
}
