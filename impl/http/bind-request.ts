// From an HTTP request to the bytes of the request message, as google/api/http.proto says: the path's fields, then the body, then the query
// string for the fields that neither has. What does not fit is INVALID_ARGUMENT and names the field.
import { type DescMessage, fromJson, type JsonValue, type Registry, toBinary } from "@bufbuild/protobuf";
import { isFieldError } from "@bufbuild/protobuf/reflect";
import { badField, fieldNamed, type JsonObject, setField } from "./request-fields-json.ts";
import { decoded } from "./router.ts";

export interface Binding {
  readonly input: DescMessage;
  /** "*", a field, or "" when there is no body. */
  readonly body: string;
  readonly registry: Registry;
}

export interface RequestParts {
  readonly pathValues: ReadonlyMap<string, string>;
  /** What stands after the question mark. */
  readonly query: string;
  readonly body: Uint8Array;
  /** A token with which the stream goes on, in place of the field resume_token. */
  readonly resumeToken: string | undefined;
}

/** Throws INVALID_ARGUMENT. */
export function bindRequest({ input, body, registry }: Binding, parts: RequestParts): Uint8Array {
  const json = bodyJson(body, parts.body);
  for (const [name, texts] of readQuery(parts.query)) {
    const owner = ownerOf(input, body, name, parts.pathValues);
    if (owner !== undefined) throw badField(name, `is given by the ${owner}`, "http.query");
    setField(json, input, name, texts);
  }
  for (const [path, value] of parts.pathValues) setField(json, input, path, [value]);
  if (parts.resumeToken !== undefined) setField(json, input, "resume_token", [parts.resumeToken]);
  return toMessage(input, json, registry);
}

/** Which other part of the request a name of the query string belongs to. */
function ownerOf(
  input: DescMessage,
  body: string,
  name: string,
  pathValues: ReadonlyMap<string, string>,
): string | undefined {
  const canonical = protoPath(input, name);
  if (pathValues.has(canonical)) return "path";
  return body === "*" || (body !== "" && canonical.split(".", 1)[0] === body) ? "body" : undefined;
}

/** The dotted name as the contract spells it, as far as it is known there. */
function protoPath(input: DescMessage, path: string): string {
  let message: DescMessage | undefined = input;
  return path
    .split(".")
    .map((name) => {
      const field = message === undefined ? undefined : fieldNamed(message, name);
      message = field?.message;
      return field?.name ?? name;
    })
    .join(".");
}

function bodyJson(body: string, bytes: Uint8Array): JsonObject {
  if (body === "" || (body === "*" && bytes.byteLength === 0)) return {};
  const value = bytes.byteLength === 0 ? {} : parseJson(bytes);
  if (body !== "*") return { [body]: value };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badField("", "the body must be a JSON object", "http.json");
  }
  return value;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

function parseJson(bytes: Uint8Array): JsonValue {
  try {
    return JSON.parse(UTF8.decode(bytes)) as JsonValue;
  } catch {
    // Without the parser's text, which quotes the body.
    throw badField("", "the body is not JSON in UTF-8", "http.json");
  }
}

/** By name, in the order of the query string. Throws INVALID_ARGUMENT for what is not percent-encoded UTF-8. */
function readQuery(query: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const pair of query.split("&").filter((text) => text !== "")) {
    const at = pair.includes("=") ? pair.indexOf("=") : pair.length;
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)].map((text) =>
      decoded(text.replaceAll("+", " ")),
    );
    if (name === undefined || value === undefined) {
      throw badField("", "the query string is not percent-encoded UTF-8", "http.query");
    }
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return values;
}

function toMessage(input: DescMessage, json: JsonObject, registry: Registry): Uint8Array {
  try {
    return toBinary(input, fromJson(input, json, { registry }));
  } catch (error) {
    throw notOfItsType(error);
  }
}

/** In which the library says which member it does not know. */
const UNKNOWN_KEY = /key "(.*)" is unknown$/s;

function notOfItsType(error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  const [, unknown] = UNKNOWN_KEY.exec(text) ?? [];
  if (unknown !== undefined) return badField(unknown, "is not a field of the request", "http.unknown_field");
  const cause = error instanceof Error ? error.cause : undefined;
  const field = isFieldError(cause) ? cause.field().name : "";
  return badField(field, text, "http.json");
}
