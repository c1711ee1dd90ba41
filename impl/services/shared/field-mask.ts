// Field masks over plain messages: which fields a caller wants to see (AIP-157), and which an update changes (AIP-134).
// Invariant: messages that go in are never changed, and nothing outside the mask comes out or is replaced. Names come from
// the descriptor. A path ends at the latest at a list, a map or a value: a message of google.* (a time, an amount of
// money) means nothing in parts.
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";
import { emptyMessage, hasOneof, isPopulated, partsOf } from "./message-fields.ts";

/** Paths as they are on the wire: "profile.given_name". Absent or empty means that no mask was given. */
export type MaskPaths = readonly string[] | undefined;

export type FieldMasks<T> = {
  /**
   * A function that keeps the fields of the mask and empties all others; without a mask, or with "*", it keeps all.
   * Throws INVALID_ARGUMENT, on `field`, for an unknown path.
   */
  readonly view: (paths: MaskPaths, field?: string) => (message: T) => T;
  /**
   * `current` with the fields of the mask as they are in `patch`, where an empty one clears. A message that the mask
   * names is replaced whole, and so are lists and maps. "*" names every updatable field; no mask, those that are
   * populated in `patch`, down to the fields of its messages. What is not updatable is left alone when the mask does
   * not name it. Throws INVALID_ARGUMENT, on `field`, for a path that is unknown or not updatable.
   */
  readonly update: (current: T, patch: T, paths: MaskPaths, field?: string) => T;
};

type Message = Readonly<Record<string, unknown>>;
type Selection = "all" | ReadonlyMap<DescField, Selection>;

/** `updatable` are paths too. Throws a TypeError when the type has a oneof, whose parts no mask here can name. */
export function fieldMasks<T extends object>(type: DescMessage, updatable: readonly string[]): FieldMasks<T> {
  if (hasOneof(type)) throw new TypeError(`${type.typeName} has a oneof: field masks do not know those`);
  const allowed = select(type, updatable, "updatable", "all");
  return {
    view(paths, field = "read_mask") {
      if (isWhole(paths)) return (message) => message;
      const selection = select(type, paths, field, "all");
      return (message) => asT<T>(project(type, asMessage(message), selection));
    },
    update(current, patch, paths, field = "update_mask") {
      const selection =
        paths === undefined || paths.length === 0
          ? populated(type, asMessage(patch), allowed)
          : paths.includes("*")
            ? allowed
            : select(type, paths, field, allowed);
      return asT<T>(merge(type, asMessage(current), asMessage(patch), selection));
    },
  };
}

function isWhole(paths: MaskPaths): paths is undefined {
  return paths === undefined || paths.length === 0 || paths.includes("*");
}

function select(type: DescMessage, paths: readonly string[], field: string, allowed: Selection): Selection {
  const root = new Map<DescField, Selection>();
  const violations: FieldViolation[] = [];
  for (const path of paths) {
    const steps = resolve(type, path);
    if (steps === undefined) {
      violations.push(violation(field, path, `is not a path of ${type.name}`, "field_mask.unknown_path"));
    } else if (!permits(allowed, steps)) {
      violations.push(violation(field, path, "cannot be changed", "field_mask.not_updatable"));
    } else {
      include(root, steps);
    }
  }
  if (violations.length > 0) throw invalidArgument(violations);
  return root;
}

function violation(field: string, path: string, rule: string, reason: string): FieldViolation {
  const shown = path.length > 100 ? `${path.slice(0, 100)}...` : path;
  return { field, description: `"${shown}" ${rule}`, reason };
}

/** Undefined when the path leads nowhere. */
function resolve(type: DescMessage, path: string): DescField[] | undefined {
  const steps: DescField[] = [];
  let at: DescMessage | undefined = type;
  for (const name of path.split(".")) {
    const step: DescField | undefined = at?.fields.find((candidate) => candidate.name === name);
    if (step === undefined) return undefined;
    steps.push(step);
    at = partsOf(step);
  }
  return steps;
}

function permits(allowed: Selection, steps: readonly DescField[]): boolean {
  let at: Selection | undefined = allowed;
  for (const step of steps) {
    if (at === "all" || at === undefined) break;
    at = at.get(step);
  }
  return at === "all";
}

/** A shorter path covers the longer ones that begin with it. */
function include(root: Map<DescField, Selection>, steps: readonly DescField[]): void {
  let at = root;
  for (const [index, step] of steps.entries()) {
    const known = at.get(step);
    if (known === "all") return;
    if (index === steps.length - 1) {
      at.set(step, "all");
      return;
    }
    const next = new Map(known);
    at.set(step, next);
    at = next;
  }
}

function populated(type: DescMessage, patch: Message, allowed: Selection): Selection {
  const found = new Map<DescField, Selection>();
  for (const field of type.fields) {
    const within = allowed === "all" ? "all" : allowed.get(field);
    const value = patch[field.localName];
    if (within === undefined || !isPopulated(field, value)) continue;
    const parts = partsOf(field);
    found.set(field, parts === undefined ? "all" : populated(parts, asMessage(value), within));
  }
  return found;
}

function project(type: DescMessage, message: Message, selection: Selection): Message {
  if (selection === "all") return message;
  return { ...emptyMessage(type), ...pick(message, selection) };
}

function pick(message: Message, selection: ReadonlyMap<DescField, Selection>): Message {
  const picked: Record<string, unknown> = {};
  for (const [field, within] of selection) {
    const value = message[field.localName];
    const parts = value === undefined ? undefined : partsOf(field);
    picked[field.localName] = parts === undefined ? value : project(parts, asMessage(value), within);
  }
  return picked;
}

function merge(type: DescMessage, current: Message, patch: Message, selection: Selection): Message {
  if (selection === "all") return patch;
  const merged: Record<string, unknown> = { ...emptyMessage(type), ...current };
  for (const [field, within] of selection) {
    const name = field.localName;
    const parts = within === "all" ? undefined : partsOf(field);
    if (parts === undefined) merged[name] = patch[name];
    else if (current[name] !== undefined || patch[name] !== undefined) {
      const empty = emptyMessage(parts);
      merged[name] = merge(parts, asMessage(current[name] ?? empty), asMessage(patch[name] ?? empty), within);
    }
  }
  return merged;
}

// The cage: a generated message is a plain object with a property for each field of its descriptor.
function asMessage(message: unknown): Message {
  return message as Message;
}

function asT<T>(message: Message): T {
  return message as T;
}
