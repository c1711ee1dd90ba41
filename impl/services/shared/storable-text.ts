// Text that PostgreSQL can hold: any but with a NUL character in it, which protobuf allows.
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";

/** Throws INVALID_ARGUMENT for every string in the message that has one. `path` is the message's field, "" for the request itself. */
export function requireStorableText(message: object, path: string): void {
  const violations = [...unstorable(message, path)];
  if (violations.length > 0) throw invalidArgument(violations);
}

/** A violation for every string in the value that has one. */
export function* unstorable(value: unknown, path: string): Generator<FieldViolation> {
  if (typeof value === "string") {
    if (value.includes("\0")) {
      yield { field: path, description: "must not contain a NUL character", reason: "text.nul" };
    }
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* unstorable(item, `${path}[${index}]`);
  } else if (typeof value === "object" && value !== null && !(value instanceof Uint8Array)) {
    const prefix = path === "" ? "" : `${path}.`;
    for (const [name, member] of Object.entries(value)) {
      yield* unstorable(member, `${prefix}${snake(name)}`);
    }
  }
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
