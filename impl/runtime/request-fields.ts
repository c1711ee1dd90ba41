// Requests by their descriptors: parsed at most once a call, and read by a dotted path of the policy, such as "product.product_id".
import {
  type DescField,
  type DescMessage,
  fromBinary,
  isFieldSet,
  isMessage,
  type Message,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import type { Call } from "./call.ts";
import type { Method } from "./method.ts";
import { malformedRequest } from "./rpc-error.ts";

/** The value as text; empty when it, or a message on its way, is not set. */
export type FieldReader = (request: Message) => string;

/** Throws INVALID_ARGUMENT when the bytes are no message of the type. Unknown fields are left out. */
export function parseRequest(desc: DescMessage, bytes: Uint8Array): Message {
  try {
    return fromBinary(desc, bytes, { readUnknownFields: false });
  } catch {
    throw malformedRequest();
  }
}

/** The single request of a call, parsed for the first link that asks. */
export function requestMessage(call: Call, bytes: Uint8Array): Message {
  call.request ??= parseRequest(call.method.input, bytes);
  return call.request;
}

/** Throws at start-up, with the method's name, when the path does not lead to a scalar field of its request. */
export function requestFieldReader(method: Method, path: string): FieldReader {
  try {
    return fieldReader(method.input, path);
  } catch (error) {
    throw new Error(`${method.path}: policy: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

/** Throws when the path does not lead to a scalar field. */
export function fieldReader(desc: DescMessage, path: string): FieldReader {
  const fields: DescField[] = [];
  let message: DescMessage | undefined = desc;
  for (const name of path.split(".")) {
    const field: DescField | undefined = message?.fields.find((candidate) => candidate.name === name);
    if (field === undefined)
      throw new Error(`"${path}" is not a field of ${desc.typeName}: there is no "${name}"`);
    fields.push(field);
    message = field.fieldKind === "message" ? field.message : undefined;
  }
  const last = fields.at(-1);
  if (last?.fieldKind !== "scalar") throw new Error(`"${path}" of ${desc.typeName} is not a scalar field`);
  // The usual path is one plain field, for which reflection costs more than the rest of the reading.
  if (fields.length === 1 && last.oneof === undefined) return (request) => readPlain(request, last);
  return (request) => read(reflect(desc, request), fields);
}

// The one cast of this file: that a message has the fields of its descriptor as properties is known to isFieldSet, not to the type.
function readPlain(request: Message, field: DescField): string {
  if (!isFieldSet(request, field)) return "";
  return String((request as unknown as Readonly<Record<string, unknown>>)[field.localName]);
}

function read(request: ReflectMessage, fields: readonly DescField[]): string {
  let current = request;
  for (const field of fields) {
    if (!current.isSet(field)) return "";
    const value: unknown = current.get(field);
    if (field.fieldKind !== "message" || field.message === undefined) return String(value);
    const inner = value as ReflectMessage | { message: unknown };
    if (isMessage(inner.message, field.message)) current = reflect(field.message, inner.message);
    else return "";
  }
  return "";
}
