// What may be logged of a message: its fields by their descriptors, with every field marked by `(ecommerce.v1.sensitivity)` replaced, at
// any depth, in lists, maps and oneofs. Fields the schema does not know are left out: nobody has said that they may be shown.
import {
  type AnyDesc,
  type DescEnum,
  type DescField,
  type DescMessage,
  fromBinary,
  getOption,
  hasOption,
  type Message,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import type { Schema } from "#impl/runtime/schema.ts";
import { scrub } from "./scrub.ts";

/** Takes the message's bytes, or a message of @bufbuild/protobuf. Throws when the bytes are not such a message. */
export type Redact = (desc: DescMessage, message: Uint8Array | Message) => Record<string, unknown>;

const OPTION = "ecommerce.v1.sensitivity";
const REPLACEMENTS: ReadonlyMap<number, string> = new Map([
  [1, "[personal]"],
  [2, "[secret]"],
  [3, "[card]"],
]);
const MAX_ENTRIES = 20;
const MAX_TEXT = 256;

export function createRedact(schema: Pick<Schema, "registry">): Redact {
  const option = schema.registry.getExtension(OPTION);
  if (option === undefined) throw new Error(`the schema does not define the option ${OPTION}`);
  const replacements = new WeakMap<AnyDesc, string | false>();
  const replacementOf = (field: DescField): string | false => {
    const known = replacements.get(field);
    if (known !== undefined) return known;
    const marked = hasOption(field, option) ? Number(getOption(field, option)) : 0;
    const replacement = marked === 0 ? false : (REPLACEMENTS.get(marked) ?? "[redacted]");
    replacements.set(field, replacement);
    return replacement;
  };
  const message = (of: ReflectMessage): Record<string, unknown> => {
    if (of.desc.typeName === "google.protobuf.Any") return { type: anyType(of) };
    const set = of.fields.filter((field) => of.isSet(field));
    return Object.fromEntries(
      set.map((field) => [field.name, replacementOf(field) || show(of, field, message)]),
    );
  };
  return (desc, value) =>
    message(reflect(desc, value instanceof Uint8Array ? fromBinary(desc, value) : value));
}

type ShowMessage = (message: ReflectMessage) => Record<string, unknown>;

function show(of: ReflectMessage, field: DescField, showMessage: ShowMessage): unknown {
  switch (field.fieldKind) {
    case "message":
      return showMessage(of.get(field));
    case "enum":
      return enumName(field.enum, of.get(field));
    case "scalar":
      return scalar(of.get(field));
    case "list": {
      const list = Array.from(of.get(field)).slice(0, MAX_ENTRIES);
      return list.map((one) => item(field, one, showMessage));
    }
    case "map": {
      const entries = Array.from(of.get(field)).slice(0, MAX_ENTRIES);
      return Object.fromEntries(
        entries.map(([key, value]) => [text(String(key)), item(field, value, showMessage)]),
      );
    }
  }
}

function item(
  field: DescField & { fieldKind: "list" | "map" },
  value: unknown,
  showMessage: ShowMessage,
): unknown {
  const kind = field.fieldKind === "list" ? field.listKind : field.mapKind;
  if (kind === "message") return showMessage(asReflect(value));
  return kind === "enum" && field.enum !== undefined ? enumName(field.enum, Number(value)) : scalar(value);
}

// protobuf-es types the items of a list or map field of any kind as unknown; of kind "message" they are ReflectMessages.
function asReflect(value: unknown): ReflectMessage {
  return value as ReflectMessage;
}

function enumName(desc: DescEnum, value: number): string | number {
  return desc.value[value]?.name ?? value;
}

function scalar(value: unknown): unknown {
  if (typeof value === "string") return text(value);
  if (typeof value === "bigint") return scrub(String(value));
  return value instanceof Uint8Array ? `[${value.byteLength} bytes]` : value;
}

function text(value: string): string {
  return scrub(value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}...` : value);
}

function anyType(of: ReflectMessage): string {
  const field = of.desc.field.typeUrl;
  return field === undefined ? "" : String(of.get(field));
}
