// Values of paths and query strings as members of the request's protobuf JSON, by dotted names of fields. Both spellings of a name are taken,
// user_id and userId. What cannot be a field's value is refused with the name that the caller wrote.
import type { DescField, DescMessage, JsonValue } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { invalidArgument, type RpcError } from "#impl/runtime/rpc-error.ts";

export type JsonObject = { [name: string]: JsonValue };

/** Messages whose JSON is one text. */
const TEXT_MESSAGES = new Set([
  "google.protobuf.Duration",
  "google.protobuf.FieldMask",
  "google.protobuf.Timestamp",
]);

/** Sets the field at `path` to what the texts say, in place of what `json` has there. Throws INVALID_ARGUMENT. */
export function setField(json: JsonObject, desc: DescMessage, path: string, texts: readonly string[]): void {
  let [object, message] = [json, desc];
  const names = path.split(".");
  for (const [at, name] of names.entries()) {
    const field = fieldNamed(message, name);
    if (field === undefined) throw badField(path, "is not a field of the request", "http.unknown_field");
    if (at === names.length - 1) {
      removeField(object, field);
      object[field.jsonName] = fieldValue(field, path, texts);
    } else {
      if (field.fieldKind !== "message")
        throw badField(path, "is not a field of the request", "http.unknown_field");
      [object, message] = [memberObject(object, field, path), field.message];
    }
  }
}

export function fieldNamed(message: DescMessage, name: string): DescField | undefined {
  return message.fields.find((field) => field.name === name || field.jsonName === name);
}

export function badField(field: string, description: string, reason: string): RpcError {
  return invalidArgument([{ field, description, reason }]);
}

/** A body may spell the name either way. */
function removeField(object: JsonObject, field: DescField): void {
  delete object[field.name];
  delete object[field.jsonName];
}

function memberObject(object: JsonObject, field: DescField, path: string): JsonObject {
  const name = Object.hasOwn(object, field.name) ? field.name : field.jsonName;
  const present = Object.hasOwn(object, name) ? object[name] : undefined;
  if (present !== undefined && present !== null && (typeof present !== "object" || Array.isArray(present))) {
    throw badField(path, `${name} must be an object`, "http.json");
  }
  const member = present ?? {};
  object[name] = member;
  return member;
}

function fieldValue(field: DescField, path: string, texts: readonly string[]): JsonValue {
  if (field.fieldKind === "map") throw badField(path, "is a map and stands only in a body", "http.query");
  if (field.fieldKind === "list") return texts.map((text) => single(field, path, text));
  const [text = "", ...more] = texts;
  if (more.length > 0) throw badField(path, "is given more than once", "http.query");
  return single(field, path, text);
}

function single(field: DescField, path: string, text: string): JsonValue {
  if (field.message !== undefined) {
    if (!TEXT_MESSAGES.has(field.message.typeName)) {
      throw badField(path, "is a message: name the fields in it", "http.query");
    }
    return field.message.typeName === "google.protobuf.FieldMask" ? maskJson(text) : text;
  }
  if (field.enum !== undefined) return /^-?\d{1,10}$/.test(text) ? Number(text) : text;
  if (field.scalar !== ScalarType.BOOL) return text;
  if (text !== "true" && text !== "false") throw badField(path, "must be true or false", "http.query");
  return text === "true";
}

/** Masks in JSON are in camel case; in a query string either is taken. */
function maskJson(text: string): string {
  return text.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
